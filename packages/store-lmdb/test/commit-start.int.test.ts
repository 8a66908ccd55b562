import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SystemClock } from '@aep/kernel';
import { LocalCause, RecordKind, RecordWriter, recover } from '@aep/store';
import { type LmdbStore, openLmdbStore } from '@aep/store-lmdb';

/** Both meta pages; a commit writes one of them last. */
const META_BYTES = 8192;

test('a blocking commit waits for a lull, and takes with it what the turns until then have brought (S8)', async () => {
  const path = mkdtempSync(join(tmpdir(), 'aep-store-'));
  const clock = new SystemClock();
  const store = await openLmdbStore({ path, engineName: 'x', clock, commitMode: 'sync', verifyOnOpen: false });
  await recover(store, { clock });
  const marks: number[] = [];
  const isStable = new Promise<void>((resolve, reject) =>
    store.journal.listen({
      onStable: ({ txId }) => {
        marks.push(txId);
        if (txId === 3) resolve();
      },
      onFailure: reject,
    }),
  );
  for (let count = 0; count < 3; count++) {
    append(store, clock);
    store.journal.commit();
    await new Promise<void>((resolve) => clock.defer(resolve));
  }
  await isStable;
  assert.deepEqual(marks, [3]);
  await store.close();
  rmSync(path, { recursive: true, force: true });
});

test('a commit on the other thread begins at once, and ends while the turn that asked for it goes on', async () => {
  const path = mkdtempSync(join(tmpdir(), 'aep-store-'));
  const clock = new SystemClock();
  const store = await openLmdbStore({ path, engineName: 'x', clock, commitMode: 'async', verifyOnOpen: false });
  await recover(store, { clock });
  const isStable = new Promise<void>((resolve, reject) =>
    store.journal.listen({ onStable: () => resolve(), onFailure: reject }),
  );
  const metaPages = (): Buffer => readFileSync(join(path, 'journal', 'data.mdb')).subarray(0, META_BYTES);
  const before = metaPages();
  append(store, clock);
  store.journal.commit();
  const untilMs = clock.monotonicMs() + 10_000;
  while (metaPages().equals(before) && clock.monotonicMs() < untilMs) pauseThread(1);
  assert.ok(!metaPages().equals(before), 'it is on the disk, and this turn has not ended');
  assert.equal(store.journal.stableTxId, 0);
  await isStable;
  assert.equal(store.journal.stableTxId, 1);
  await store.close();
  rmSync(path, { recursive: true, force: true });
});

function append({ journal }: LmdbStore, clock: SystemClock): void {
  const writer = new RecordWriter();
  writer.begin(RecordKind.transaction, 1, journal.lastTxId + 1, clock.wallMs());
  writer.localCause(LocalCause.command, 'test');
  writer.putBytes(1, Buffer.from('key'), Buffer.from('value'));
  writer.seal(journal.lastHash);
  assert.equal(journal.append(writer.bytes, writer.length), 'accepted');
}

function pauseThread(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}
