import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type BrokerKind, BrokerProcess, didNotRun, natsServer } from '@aep/brokers';
import { numbered, roster } from '@aep/bus/contract';
import { NatsWorld } from './nats-world.js';

const CALLS = 'sync-calls';

/** The server under strace, which writes down its syncs. */
function tracedServer(): BrokerKind {
  const kind = natsServer();
  return {
    ...kind,
    missing: () => kind.missing() ?? missingStrace(),
    prepare(place) {
      const { file, args } = kind.prepare(place);
      const trace = ['-f', '-e', 'trace=fsync,fdatasync,sync_file_range,syncfs', '-o', join(place.folder, CALLS)];
      return { file: 'strace', args: [...trace, file, ...args] };
    },
  };
}

function missingStrace(): string | undefined {
  try {
    execFileSync('strace', ['-V'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no strace here: install the package strace';
  }
}

// Not a wish but a fact about the server, on which the README's words about the promise stand: if it changes, they must change.
test('nats-server confirms what it has not synced: a confirmation survives a killed server, not a power loss', async (context) => {
  const kind = tracedServer();
  if (didNotRun(context, kind)) return;
  const broker = await (await BrokerProcess.create(kind)).start();
  const world = new NatsWorld(broker);
  const entries = roster(['b', 'orders']);
  const a = await world.app({ app: 'a', roster: entries }).open();
  const syncs = (): number => readFileSync(join(broker.place.folder, CALLS), 'utf8').match(/sync\w*\(/g)?.length ?? 0;
  const before = syncs();
  a.sendAll('orders', 'k', numbered(2000));
  await world.until(() => a.confirmed.length === 2000, 'all is confirmed');
  context.diagnostic(`2000 confirmations, ${syncs() - before} syncs`);
  assert.equal(syncs() - before, 0);
  await world.dispose();
  await broker.dispose();
});
