import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { SystemClock } from '@aep/kernel';
import { tableChanges } from '@aep/store';
import { Marks, SampleRecords } from '@aep/store/contract';
import { type LmdbStore, openLmdbStore, openLmdbStoreReader } from '@aep/store-lmdb';

const KEY = Buffer.from('account-7');
const NEIGHBOUR = Buffer.from('account-8');
const VALUE = Buffer.from('a balance of one hundred');
const CORRUPT = {
  code: 'AEP_TABLE_ENTRY_CORRUPT',
  advice: 'fatal',
  facts: { tableId: 1, keyHex: KEY.toString('hex') },
};

describe('an entry of a table that is not what was written (S5)', () => {
  void it('is refused by every way of reading, and the message names table and key', async () => {
    await withDamaged(flipBit(3), async (path) => {
      const ways: ((store: LmdbStore) => unknown)[] = [
        ({ tables }) => tables.get(1, KEY),
        ({ tables }) => [...tables.range(1)],
        ({ tables }) => [...tables.range(1, { gte: KEY, reverse: true })],
        ({ tables }) => withClosing(tables.snapshot(), (snapshot) => snapshot.get(1, KEY)),
        ({ tables }) => withClosing(tables.snapshot(), (snapshot) => [...snapshot.range(1)]),
        (store) => withClosing(store.copySnapshot(), (snapshot) => snapshot.get(1, KEY)),
        (store) => withClosing(store.copySnapshot(), (snapshot) => [...snapshot.range(1)]),
        (store) => withClosing(store.copySnapshot(), (snapshot) => [...snapshot.entries()]),
      ];
      for (const read of ways) {
        const store = await open(path);
        assert.throws(() => read(store), CORRUPT);
        assert.throws(() => read(store), { message: /^the entry of table 1 with key 6163636f756e742d37 \(hex\) / });
        assert.equal(store.tables.deadlines.openCount, 0, 'a scan that ended by an error is closed');
        await store.close();
      }
    });
  });

  void it('does not harm its neighbours', async () => {
    await withDamaged(flipBit(3), async (path) => {
      const store = await open(path);
      assert.equal(Buffer.from(store.tables.get(1, NEIGHBOUR)!).toString(), VALUE.toString());
      assert.equal(store.journal.isFailed, false);
      await store.close();
    });
  });

  void it('fails the journal: what the reader appends afterwards, in the same turn too, never becomes stable (H22)', async () => {
    for (const commitMode of ['sync', 'async'] as const) {
      await withDamaged(flipBit(0), async (path) => {
        const store = await open(path, { commitMode, durability: 'os' });
        const marks = Marks.of(store);
        const records = new SampleRecords(store.journal);
        records.appendMany(1);
        store.journal.commit();
        await until(() => marks.stable.length === 1);
        assert.throws(() => store.tables.get(1, KEY), CORRUPT);
        assert.deepEqual(marks.failures, [], 'whoever reads is in the middle of something');
        // A handler that swallows the error comes here.
        records.appendMany(1);
        store.journal.commit();
        await until(() => marks.failures.length > 0);
        await new Promise((resolve) => setTimeout(resolve, 50));
        assert.deepEqual(
          marks.failures.map(({ code }) => code),
          [CORRUPT.code],
        );
        assert.deepEqual(marks.stable, [1]);
        assert.equal(store.journal.stableTxId, 1);
        await store.close();
      });
    }
  });

  void it('is found by a start, by a verification of any journal, and before a copy is made', async () => {
    await withDamaged(flipBit(8), async (path) => {
      await assert.rejects(open(path, { verifyOnOpen: true }), CORRUPT);
      const reader = openLmdbStoreReader({ path });
      const { tables, difference } = await reader.verify();
      assert.deepEqual({ tables, difference }, { tables: 'different', difference: CORRUPT.facts });
      assert.throws(() => reader.tables.get(1, KEY), CORRUPT);
      await reader.close();
      const store = await open(path);
      await assert.rejects(store.copyTo(join(path, 'copy')), CORRUPT);
      await store.close();
    });
  });

  void it('whichever bit of value or checksum flips', async () => {
    const { path, file } = await storeWithEntries();
    const good = readFileSync(file);
    const at = placeOfValue(good);
    for (let bit = 0; bit < (VALUE.length + 4) * 8; bit++) {
      const bytes = Buffer.from(good);
      bytes[at + (bit >> 3)]! ^= 1 << (bit & 7);
      writeFileSync(file, bytes);
      const store = await open(path);
      assert.throws(() => store.tables.get(1, KEY), CORRUPT, `bit ${bit}`);
      await store.close();
    }
    rmSync(path, { recursive: true, force: true });
  });

  void it('also when it is all zero, or the value of another key', async () => {
    const zeros = (bytes: Buffer, at: number): void => void bytes.fill(0, at, at + VALUE.length + 4);
    const neighbours = (bytes: Buffer, at: number): void => {
      const other = placeOfValue(bytes, NEIGHBOUR);
      bytes.copy(bytes, at, other, other + VALUE.length + 4);
    };
    for (const damage of [zeros, neighbours]) {
      await withDamaged(damage, async (path) => {
        const store = await open(path);
        assert.throws(() => store.tables.get(1, KEY), CORRUPT);
        await store.close();
      });
    }
  });

  void it('an entry whose key has changed is found by a start, and by a scan', async () => {
    const otherKey = (bytes: Buffer, at: number): void => void (bytes[at - 1] = '0'.charCodeAt(0));
    await withDamaged(otherKey, async (path) => {
      await assert.rejects(open(path, { verifyOnOpen: true }), { code: 'AEP_TABLE_ENTRY_CORRUPT' });
      const store = await open(path);
      assert.throws(() => [...store.tables.range(1)], { code: 'AEP_TABLE_ENTRY_CORRUPT' });
      await store.close();
    });
  });

  void it('so are positions, epoch and identity: a flipped bit is AEP_STORE_DAMAGED, not another position', async () => {
    for (const [environment, name, offset] of [
      ['state', 'appliedTxId', 0],
      ['journal', 'epoch', 6],
      ['journal', 'identity', '{"formatVersion":2,"engineName":"entries","incarnation":1'.length],
    ] as const) {
      const { path } = await storeWithEntries();
      const store = await open(path);
      await new Promise((resolve) => store.setEpoch(3, resolve));
      await store.close();
      const file = join(path, environment, 'data.mdb');
      const bytes = readFileSync(file);
      for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at + 1))
        bytes[at + name.length + offset]! ^= 1;
      writeFileSync(file, bytes);
      for (const verifyOnOpen of [true, false])
        await assert.rejects(open(path, { verifyOnOpen }), { code: 'AEP_STORE_DAMAGED', facts: { name } });
      rmSync(path, { recursive: true, force: true });
    }
  });

  void it('entries that are missing are found by a start: LMDB has counted more', async () => {
    const { path, file } = await storeWithEntries();
    const bytes = readFileSync(file);
    const count = countPlace(bytes);
    bytes.writeBigUInt64LE(bytes.readBigUInt64LE(count) + 1n, count);
    writeFileSync(file, bytes);
    await assert.rejects(open(path, { verifyOnOpen: true }), {
      code: 'AEP_STORE_DAMAGED',
      facts: { found: ENTRIES, expected: ENTRIES + 1 },
    });
    rmSync(path, { recursive: true, force: true });
  });
});

type Damage = (bytes: Buffer, at: number) => void;

function flipBit(byte: number): Damage {
  return (bytes, at) => void (bytes[at + byte]! ^= 0x10);
}

async function withDamaged(damage: Damage, run: (path: string) => Promise<void>): Promise<void> {
  const { path, file } = await storeWithEntries();
  // Timers of a clock do not keep a process alive; a test that waits for one must.
  const keepAlive = setInterval(() => {}, 1_000);
  try {
    const bytes = readFileSync(file);
    damage(bytes, placeOfValue(bytes));
    writeFileSync(file, bytes);
    await run(path);
  } finally {
    clearInterval(keepAlive);
    rmSync(path, { recursive: true, force: true });
  }
}

const ENTRIES = 20;

async function storeWithEntries(): Promise<{ path: string; file: string }> {
  const path = mkdtempSync(join(tmpdir(), 'aep-entries-'));
  const store = await open(path);
  const entries = Array.from({ length: ENTRIES }, (_, index) => ({
    tableId: 1,
    key: Buffer.from(`account-${index}`),
    value: VALUE,
  }));
  await new Promise<void>((resolve) => {
    store.tables.apply(tableChanges(entries), 0, () => resolve());
  });
  await store.close();
  return { path, file: join(path, 'state', 'data.mdb') };
}

/** Where the value of the key begins; LMDB puts it right behind the key. */
function placeOfValue(bytes: Buffer, key: Buffer = KEY): number {
  const at = bytes.indexOf(Buffer.concat([key, VALUE]));
  assert.ok(at > 0 && bytes.indexOf(Buffer.concat([key, VALUE]), at + 1) < 0, 'the entry is in the file once');
  return at + key.length;
}

/** Where the newest main page says how many entries the tables have: behind their name lie flags, depth and page counts. */
function countPlace(bytes: Buffer): number {
  const name = Buffer.from('tables\0');
  for (let at = bytes.lastIndexOf(name); at > 0; at = bytes.lastIndexOf(name, at - 1)) {
    const count = at + name.length + 8 + 24;
    if (bytes.readBigUInt64LE(count) === BigInt(ENTRIES)) return count;
  }
  assert.fail('the count is not where LMDB 0.9 has it');
}

function withClosing<T extends { close(): void }, R>(closable: T, use: (closable: T) => R): R {
  try {
    return use(closable);
  } finally {
    closable.close();
  }
}

function open(path: string, options: Partial<Parameters<typeof openLmdbStore>[0]> = {}): Promise<LmdbStore> {
  const clock = new SystemClock();
  return openLmdbStore({ path, engineName: 'entries', verifyOnOpen: false, scrubIntervalMs: 0, clock, ...options });
}

async function until(condition: () => boolean): Promise<void> {
  for (let waitedMs = 0; !condition(); waitedMs++) {
    assert.ok(waitedMs < 10_000, 'waited 10 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
