import { AepError } from '@aep/kernel';

/** Bounds on what a message may be; they hold for reading, JSON and encoding. */
export interface MessageLimits {
  /** Embedded messages and groups inside each other. @default 100 */
  readonly depthMax: number;
  /** Bytes of one encoded message. @default 67_108_864 (64 MiB) */
  readonly messageBytesMax: number;
  /** Elements of one repeated field or map. @default 1_000_000 */
  readonly elementsMax: number;
}

/** The limits in force in this process. */
export const messageLimits = { depthMax: 100, messageBytesMax: 67_108_864, elementsMax: 1_000_000 };

/**
 * Changes the limits of the process; absent names keep their value. Meant for the start of a process.
 *
 * @throws AEP_LIMIT_INVALID when a value is not an integer in 1..2^31-1 (depth: 1..1000, because deeper needs more stack than Node has)
 */
export function setMessageLimits(limits: Partial<MessageLimits>): void {
  for (const name of ['depthMax', 'messageBytesMax', 'elementsMax'] as const) {
    const value = limits[name];
    if (value === undefined) continue;
    const max = name === 'depthMax' ? 1000 : 0x7fff_ffff;
    if (!Number.isInteger(value) || value < 1 || value > max) {
      throw new AepError(
        'AEP_LIMIT_INVALID',
        'reject',
        `${name}: expected an integer in 1..${max}, got ${String(value)}`,
        { name },
      );
    }
    messageLimits[name] = value;
  }
}

/** @throws AEP_MESSAGE_TOO_DEEP always */
export function refuseDepth(type: string): never {
  const { depthMax } = messageLimits;
  throw new AepError(
    'AEP_MESSAGE_TOO_DEEP',
    'reject',
    `${type}: messages are embedded in each other deeper than ${depthMax} levels; setMessageLimits({ depthMax }) raises the limit`,
    { type, depthMax },
  );
}
