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

const PREFIX = '$JS.ACK.';
/** `$JS.ACK.<stream>.<consumer>.` before the numbers; with a domain and an account hash there are two tokens more. */
const SHORT_TOKENS = 9;
const NUMBERS_FROM_SHORT = 4;
const NUMBERS_FROM_LONG = 6;
const DOT = 0x2e;
const ZERO = 0x30;

/** Undefined when it is no such subject. */
export function readAckSubject(subject: string): DeliveryPosition | undefined {
  if (!subject.startsWith(PREFIX)) return undefined;
  let tokens = 1;
  for (let index = 0; index < subject.length; index++) if (subject.charCodeAt(index) === DOT) tokens++;
  if (tokens < SHORT_TOKENS) return undefined;
  let at = 0;
  for (let skip = tokens === SHORT_TOKENS ? NUMBERS_FROM_SHORT : NUMBERS_FROM_LONG; skip > 0; skip--) {
    at = subject.indexOf('.', at) + 1;
  }
  const attempts = numberAt(subject, at);
  at = subject.indexOf('.', at) + 1;
  const streamSeq = numberAt(subject, at);
  at = subject.indexOf('.', at) + 1;
  const deliverySeq = numberAt(subject, at);
  at = subject.indexOf('.', at) + 1;
  const storedAtNs = numberAt(subject, at);
  // Not a number, and 0, are no place in a stream.
  if (!(attempts > 0 && streamSeq > 0 && deliverySeq > 0 && storedAtNs >= 0)) return undefined;
  return { attempts, streamSeq, deliverySeq, storedAtNs };
}

/** The digits up to the next dot or the end; NaN when there is anything else. */
function numberAt(text: string, from: number): number {
  let value = 0;
  let index = from;
  for (; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === DOT) break;
    if (unit < ZERO || unit > ZERO + 9) return NaN;
    value = value * 10 + (unit - ZERO);
  }
  return index === from ? NaN : value;
}
