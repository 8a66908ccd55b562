import process from 'node:process';
import type { BrokerKind } from './broker-process.js';

/** The part of a test's context that is needed to say something. */
export interface TestSpeaker {
  diagnostic(message: string): void;
}

/**
 * True when the machine has no such broker: the test must return at once. Says so loudly, because a machine without the broker must
 * not look as if it had shown anything.
 */
export function didNotRun(context: TestSpeaker, kind: BrokerKind): boolean {
  const missing = kind.missing();
  if (missing === undefined) return false;
  context.diagnostic(`DID NOT RUN: ${missing}`);
  process.stderr.write(`${kind.name}: DID NOT RUN: ${missing}\n`);
  return true;
}
