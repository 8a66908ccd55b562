/** What JetStream says about a delivery: it stands in the subject that the delivery is acknowledged at. */
export interface DeliveryPosition {
  /** Of the message in its stream. */
  readonly streamSeq: number;
  /** Of the delivery in its consumer: 1, 2, 3 … over first deliveries and redeliveries. */
  readonly deliverySeq: number;
  /** 1 for a first delivery. */
  readonly attempts: number;
  /** When the stream stored the message, in nanoseconds since 1970 (rounded to 256). */
  readonly storedAtNs: number;
}

/** `$JS.ACK.<stream>.<consumer>.` before the numbers; with a domain and an account hash there are two tokens more. */
const SHORT_TOKENS = 9;
const NUMBERS_FROM_SHORT = 4;
const NUMBERS_FROM_LONG = 6;

/** Undefined when it is no such subject. */
export function readAckSubject(subject: string): DeliveryPosition | undefined {
  const tokens = subject.split('.');
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < SHORT_TOKENS) return undefined;
  const from = tokens.length === SHORT_TOKENS ? NUMBERS_FROM_SHORT : NUMBERS_FROM_LONG;
  const [attempts, streamSeq, deliverySeq, storedAtNs] = tokens.slice(from, from + 4).map(Number);
  if (!isCount(attempts) || !isCount(streamSeq) || !isCount(deliverySeq) || storedAtNs === undefined) return undefined;
  return { attempts, streamSeq, deliverySeq, storedAtNs };
}

function isCount(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && value! > 0;
}
