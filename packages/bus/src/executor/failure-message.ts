import type { EncodedResult, ExecutorTask } from './task.js';

/** Identity of `aep.ExecutorFailure` (schemas/executor.proto), which stands for the result of a task that failed for good. */
export const EXECUTOR_FACTORY_ID = 64_001;
export const EXECUTOR_FAILURE_TYPE_ID = 1;

const encoder = new TextEncoder();
const REASON_LENGTH_MAX = 2000;

/**
 * The result of a task that has failed in every attempt: a message of its own, so that the app can handle it, and one
 * that does not know the type finds it among its dead letters (E16). Plain protobuf, see schemas/executor.proto.
 */
export function encodeFailure(task: ExecutorTask, sno: number, reason: string): EncodedResult {
  const bytes = new Uint8Array([
    ...textField(1, task.channel),
    ...textField(2, task.key),
    ...numberField(3, sno),
    ...textField(4, reason.slice(0, REASON_LENGTH_MAX)),
    ...numberField(5, task.attempt),
    ...numberField(6, task.factoryId),
    ...numberField(7, task.typeId),
    ...bytesField(8, task.bytes),
  ]);
  return { factoryId: EXECUTOR_FACTORY_ID, typeId: EXECUTOR_FAILURE_TYPE_ID, bytes };
}

function textField(number: number, text: string): number[] {
  return text === '' ? [] : bytesField(number, encoder.encode(text));
}

function bytesField(number: number, bytes: Uint8Array): number[] {
  return bytes.length === 0 ? [] : [...varint((number << 3) | 2), ...varint(bytes.length), ...bytes];
}

function numberField(number: number, value: number): number[] {
  return value <= 0 ? [] : [...varint(number << 3), ...varint(value)];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  bytes.push(value);
  return bytes;
}
