import {
  type AnyExpected,
  describeExpected,
  describeSent,
  differenceOf,
  isExpected,
  type SentMessage,
} from './sent-message.js';

/** Messages of a long list that are shown. */
const SHOWN_MAX = 50;

/** What was sent on a channel compared with what was expected, one by one; undefined when it is the same. */
export function compareSent(
  channel: string,
  expected: readonly AnyExpected[],
  sent: readonly SentMessage[],
): string | undefined {
  const isSame = expected.length === sent.length && expected.every((one, index) => isExpected(one, sent[index]!));
  if (isSame) return undefined;
  const lines = [`channel "${channel}": expected ${count(expected.length)}, ${wasSent(sent.length)}`];
  for (let index = 0; index < Math.max(expected.length, sent.length); index++) {
    if (index === SHOWN_MAX) {
      lines.push(`  … and ${Math.max(expected.length, sent.length) - SHOWN_MAX} more`);
      break;
    }
    lines.push(...comparePair(index + 1, expected[index], sent[index]));
  }
  return lines.join('\n');
}

/** A list of what was sent, by channel. */
export function listSent(sent: readonly SentMessage[]): string {
  const lines = sent.slice(0, SHOWN_MAX).map((message) => `  ${message.channel}: ${describeSent(message)}`);
  if (sent.length > SHOWN_MAX) lines.push(`  … and ${sent.length - SHOWN_MAX} more`);
  return lines.join('\n');
}

export function wasSent(sent: number): string {
  return sent === 0 ? 'nothing was sent' : `${count(sent)} ${sent === 1 ? 'was' : 'were'} sent`;
}

function comparePair(number: number, expected: AnyExpected | undefined, sent: SentMessage | undefined): string[] {
  if (expected === undefined) return [`${number}. sent and not expected:`, `  + ${describeSent(sent!)}`];
  if (sent === undefined) return [`${number}. expected and not sent:`, `  - ${describeExpected(expected)}`];
  if (isExpected(expected, sent)) return [`${number}. as expected: ${describeSent(sent)}`];
  return [`${number}. differs (- expected, + sent):`, ...differenceOf(expected, sent).map((line) => `  ${line}`)];
}

function count(messages: number): string {
  return messages === 1 ? '1 message' : `${messages} messages`;
}
