import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { BrokerProcess, didNotRun, etcdServer } from '@aep/brokers';
import { failoverRound } from './src/harness/failover-round.js';

/** `AEP_FAILOVERS` raises it; `npm run failover` is the long version. */
const FAILOVERS = Number(process.env['AEP_FAILOVERS'] ?? 3);
const SEED = Number(process.env['AEP_SEED'] ?? Date.now() % 1_000_000);
const LINES_PER_FAILOVER = 4_000;

for (const [what, zombieEvery] of [
  ['killed', 0],
  ['paused until its partner has taken over, then let go on as a zombie', 1],
] as const) {
  test(`a pair loses nothing and doubles nothing when its primary is ${what} under load (H0, H35)`, async (context) => {
    const cycles = zombieEvery === 0 ? FAILOVERS : Math.ceil(FAILOVERS / 2);
    context.diagnostic(`seed ${SEED} (AEP_SEED=${SEED} repeats it; npm run failover for more)`);
    const { killedMs, pausedMs, lines } = await inFolder((folder) =>
      failoverRound({ seed: SEED, folder, killsMax: cycles, lineCount: cycles * LINES_PER_FAILOVER, zombieEvery }),
    );
    const times = [...killedMs, ...pausedMs].map((ms) => Math.round(ms));
    context.diagnostic(`numbers: over ${lines} lines an event was acknowledged again after ${times.join(', ')} ms`);
    assert.ok(times.length > 0, 'the work was done before any failover');
  });
}

test('a pair fails over by an arbiter in etcd, and goes on while etcd is killed and started again (H1)', async (context) => {
  const kind = etcdServer();
  if (didNotRun(context, kind)) return;
  const etcd = await (await BrokerProcess.create(kind)).start();
  // A stable pair does not need it; a failover waits until it is back.
  let restarting = Promise.resolve();
  const restarts = setInterval(() => (restarting = restarting.then(() => etcd.restart())), 4_000);
  try {
    const { killedMs, lines } = await inFolder((folder) =>
      failoverRound({
        seed: SEED,
        folder,
        killsMax: 2,
        // Enough that there is work left when etcd has let the pair begin.
        lineCount: 6 * LINES_PER_FAILOVER,
        zombieEvery: 0,
        arbiter: `etcd://127.0.0.1:${etcd.port}/tests`,
      }),
    );
    const times = killedMs.map((ms) => Math.round(ms));
    context.diagnostic(`numbers: over ${lines} lines an event was acknowledged again after ${times.join(', ')} ms`);
    assert.ok(times.length > 0, 'the work was done before any failover');
  } finally {
    clearInterval(restarts);
    await restarting;
    await etcd.dispose();
  }
});

/** Kept when the round fails, with the supervisor's log. */
async function inFolder<T>(action: (folder: string) => Promise<T>): Promise<T> {
  const base = mkdtempSync(join(tmpdir(), 'aep-failover-'));
  const result = await action(join(base, `round-${SEED}`));
  rmSync(base, { recursive: true, force: true });
  return result;
}
