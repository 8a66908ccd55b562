import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { natsServer, didNotRun } from '@aep/brokers';
import { brokerRound } from './src/harness/broker-round.js';

/** `AEP_BROKER_KILLS` raises it. */
const KILLS = Number(process.env['AEP_BROKER_KILLS'] ?? 8);
const SEED = Number(process.env['AEP_SEED'] ?? Date.now() % 1_000_000);

test('the order example on NATS JetStream: nothing lost, nothing doubled through kill -9 of any process and of the broker', async (context) => {
  const kind = natsServer();
  if (didNotRun(context, kind)) return;
  context.diagnostic(`seed ${SEED} (AEP_SEED=${SEED} repeats it)`);
  const folder = mkdtempSync(join(tmpdir(), 'aep-nats-orders-'));
  const round = { kind, profile: 'nats', seed: SEED, folder, killsMax: KILLS, lineCount: 6_000 };
  const { kills, lines } = await brokerRound(round);
  context.diagnostic(`${kills} kills over ${lines} lines`);
  // Kept when it has failed.
  rmSync(folder, { recursive: true, force: true });
});
