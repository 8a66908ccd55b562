import { MessageView, type MessageClass } from '@aep/messages';

/** A message that was sent to a task channel, as the user's function gets it. The bytes are its own. */
export interface ExecutorTask {
  readonly channel: string;
  readonly key: string;
  readonly factoryId: number;
  readonly typeId: number;
  /** The encoded message: plain protobuf. */
  readonly bytes: Uint8Array;
  /** 1 for the first attempt. A task may run more than once: after a crash, a timeout, or a failover. */
  readonly attempt: number;
  /** Equal for every run of one task: (incarnation, flow, sno) of the message. A key for idempotent calls to the outside. */
  readonly taskId: string;
}

/** The result as an encoded message. */
export interface EncodedResult {
  readonly factoryId: number;
  readonly typeId: number;
  readonly bytes: Uint8Array;
  /** @default the key of the task */
  readonly key?: string;
}

/** Undefined: the task has no result, nothing is delivered. */
export type TaskResult = EncodedResult | MessageView | undefined;

/** What the user's module exports. */
export type TaskFunction = (task: ExecutorTask) => TaskResult | Promise<TaskResult>;

/**
 * A task function over messages instead of bytes.
 *
 * @example export const priceOrder = messageTask(PriceRequest, (request) => PriceReply.fromJSON({ … }));
 */
export function messageTask<T extends MessageView>(
  messageClass: MessageClass<T>,
  run: (message: T, task: ExecutorTask) => TaskResult | Promise<TaskResult>,
): TaskFunction {
  return async (task) => {
    const message = messageClass.$type.wrap(task.bytes);
    try {
      return await run(message, task);
    } finally {
      message.dispose();
    }
  };
}

/** The result in the form that travels between threads. */
export function encodeResult(result: TaskResult): EncodedResult | undefined {
  if (result === undefined) return undefined;
  if (result instanceof MessageView) {
    const { factoryId, typeId } = result.$type;
    const bytes = result.toBytes();
    result.dispose();
    return { factoryId, typeId, bytes };
  }
  const { factoryId, typeId, bytes, key } = result;
  if (!(bytes instanceof Uint8Array) || !Number.isInteger(factoryId) || !Number.isInteger(typeId)) {
    throw new TypeError('a task answers a message, { factoryId, typeId, bytes } or undefined');
  }
  return { factoryId, typeId, bytes, ...(key === undefined ? {} : { key }) };
}
