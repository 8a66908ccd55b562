import { ExecutorFailure } from '../gen/executor.js';
import { encodeResult, type EncodedResult, type ExecutorTask } from './task.js';

const REASON_LENGTH_MAX = 2000;

/**
 * The result of a task that has failed in every attempt: a message of its own, so that an app with the ExecutorFactory can
 * handle it, and one that does not know the type finds it among its dead letters (E16).
 */
export function encodeFailure(task: ExecutorTask, sno: number, reason: string): EncodedResult | undefined {
  const failure = ExecutorFailure.create();
  failure.channel = task.channel;
  failure.key = task.key;
  failure.sno = BigInt(sno);
  failure.reason = reason.slice(0, REASON_LENGTH_MAX);
  failure.attempts = task.attempt;
  failure.factoryId = task.factoryId;
  failure.typeId = task.typeId;
  failure.request = task.bytes;
  return encodeResult(failure);
}
