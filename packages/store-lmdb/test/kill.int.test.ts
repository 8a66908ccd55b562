import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SeededRandom, SystemClock } from '@aep/kernel';
import { recover } from '@aep/store';
import { openLmdbStore } from '@aep/store-lmdb';

const seed = Number(process.env['AEP_SEED'] ?? Date.now() % 1_000_000);

describe(`a writer killed at random moments (AEP_SEED=${seed})`, () => {
  for (const [commitMode, retention] of [
    ['async', 'keep'],
    ['sync', 'keep'],
    ['async', 'trim'],
  ] as const) {
    void it(`${commitMode} commits, ${retention}: every record reported stable is there, the chain is whole, tables equal the fold`, async () => {
      const path = mkdtempSync(join(tmpdir(), 'aep-kill-'));
      const random = new SeededRandom(seed);
      let reported = 0;
      try {
        for (let round = 0; round < 5; round++) {
          reported = Math.max(
            reported,
            await writeAndKill([path, String(seed + round), commitMode, retention], 120 + random.below(200)),
          );
          await checkStore(path, reported);
        }
        assert.ok(reported > 50, `only ${reported} records became stable`);
      } finally {
        rmSync(path, { recursive: true, force: true });
      }
    });
  }
});

/** Returns the last txId that the writer reported. */
function writeAndKill(args: readonly string[], afterMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [fileURLToPath(new URL('./writer-process.js', import.meta.url)), ...args]);
    let output = '';
    let errors = '';
    let timer: NodeJS.Timeout | undefined;
    child.stdout.setEncoding('utf8');
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => (errors += text));
    child.stdout.on('data', (text: string) => {
      output += text;
      // Starting node takes longer than the writing should: count from the first report.
      timer ??= setTimeout(() => child.kill('SIGKILL'), afterMs);
    });
    child.on('close', (_code, signal) => {
      clearTimeout(timer);
      if (signal !== 'SIGKILL') reject(new Error(`the writer ended by itself: ${errors}`));
      // The last line may be cut; the ones before it are whole.
      else resolve(Number(output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1)));
    });
  });
}

async function checkStore(path: string, reported: number): Promise<void> {
  // The dead writer's lock is taken over.
  const store = await openLmdbStore({ path, engineName: 'killed' });
  try {
    assert.ok(
      store.journal.stableTxId >= reported,
      `record ${reported} was stable; the journal ends at ${store.journal.stableTxId}`,
    );
    await recover(store, { clock: new SystemClock() });
    const report = await store.verify();
    assert.equal(report.bad, undefined);
    assert.equal(report.lastTxId, store.journal.stableTxId);
    assert.equal(report.tables, report.firstTxId === 1 ? 'equal' : 'not compared');
  } finally {
    await store.close();
  }
}
