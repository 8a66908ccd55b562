import assert from 'node:assert/strict';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { describeViolations } from './src/checker/invariants.js';
import { listPositions, type PositionFinding, tryPosition, tryRecovery } from './src/storage/call-positions.js';
import { whyNoStrace } from './src/storage/strace.js';

/** How many positions are tried; `AEP_CALL_POSITIONS=all` tries each. */
const POSITIONS = process.env['AEP_CALL_POSITIONS'] ?? '60';
const RECOVERIES = Number(process.env['AEP_RECOVERIES'] ?? 6);
const SEED = Number(process.env['AEP_SEED'] ?? Date.now() % 1_000_000);

const missing = whyNoStrace();

test('a kill or an error at any writing system call loses nothing that was acknowledged (E34, H22)', async (context) => {
  if (didNotRun(context)) return;
  const all = await listPositions(SEED);
  const positions = POSITIONS === 'all' ? all : all.slice(0, Number(POSITIONS));
  context.diagnostic(
    `numbers: ${positions.length} of ${all.length} system-call positions, seed ${SEED} (AEP_SEED, AEP_CALL_POSITIONS=all)`,
  );
  const tries = positions.map((position) => () => tryPosition(position));
  report(await twoAtOnce(tries));
});

test('kills during recovery, five deep, lose nothing that was acknowledged', async (context) => {
  if (didNotRun(context)) return;
  context.diagnostic(
    `numbers: ${RECOVERIES} recoveries, five kills deep each, from seed ${SEED} (AEP_SEED, AEP_RECOVERIES)`,
  );
  const tries = Array.from({ length: RECOVERIES }, (_, index) => () => tryRecovery(SEED + index));
  report(await twoAtOnce(tries));
});

/** A machine without strace must not look as if it had shown anything. */
function didNotRun(context: TestContext): boolean {
  if (missing === undefined) return false;
  context.diagnostic(`DID NOT RUN: ${missing}`);
  process.stderr.write(`system calls: DID NOT RUN: ${missing}\n`);
  return true;
}

async function twoAtOnce(tries: (() => Promise<PositionFinding | undefined>)[]): Promise<PositionFinding[]> {
  const findings: PositionFinding[] = [];
  const work = async (): Promise<void> => {
    for (let attempt = tries.pop(); attempt !== undefined; attempt = tries.pop()) {
      const finding = await attempt();
      if (finding !== undefined) findings.push(finding);
    }
  };
  await Promise.all([work(), work()]);
  return findings;
}

function report(findings: readonly PositionFinding[]): void {
  const text = findings.map(({ position, violations }) => `${position}\n${describeViolations(violations)}`);
  assert.deepEqual(text, []);
}
