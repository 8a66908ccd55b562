import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AepError, SeededRandom, SystemClock } from '@aep/kernel';
import { recover } from '@aep/store';
import { openLmdbStoreReader } from '@aep/store-lmdb';
import { closeEnvironments, identityBytes, MetaName, openEnvironments } from '@aep/store-lmdb/internal';
import { inDirectory, open, pick, write } from './file-store.js';
import { example } from './readme-example.js';

describe('the files of a store', () => {
  void it('the example of the README runs', async () => {
    await inDirectory(async (path) => {
      assert.deepEqual(await example(path), { stableTxId: 2, value: 'second' });
    });
  });

  void it('a store of another format is refused with AEP_STORE_FORMAT, by writers and readers', async () => {
    await inDirectory(async (path) => {
      await (await open(path)).close();
      const environments = openEnvironments({ path, mapSizeBytes: 1 << 20, readOnly: false, noSync: false });
      const identity = { formatVersion: 99, engineName: 'files', incarnation: 1, memberId: 'm' };
      await environments.journalMeta.put(MetaName.identity, identityBytes(identity));
      await closeEnvironments(environments);
      await assert.rejects(open(path), { code: 'AEP_STORE_FORMAT', advice: 'fatal' });
      await assert.rejects(open(path, { verifyOnOpen: true }), { code: 'AEP_STORE_FORMAT' });
      assert.throws(() => openLmdbStoreReader({ path }), { code: 'AEP_STORE_FORMAT' });
    });
  });

  void it('a store whose making was interrupted is made anew: nobody has used it yet', async () => {
    // What a process leaves that is killed after the first, second … write of a start.
    for (const [journalBytes, stateBytes] of [[0], [8192], [8192, 0], [8192, 8192], [20_480, 8192]] as const) {
      await inDirectory(async (path) => {
        writeFileSync(join(path, 'CREATING'), '');
        for (const [name, bytes] of [
          ['journal', journalBytes],
          ['state', stateBytes],
        ] as const) {
          if (bytes === undefined) continue;
          mkdirSync(join(path, name));
          writeFileSync(join(path, name, 'data.mdb'), Buffer.alloc(bytes));
        }
        assert.throws(() => openLmdbStoreReader({ path }), { code: 'AEP_STORE_MISSING' });
        const store = await open(path, { verifyOnOpen: true });
        await write(store, 1);
        await store.close();
        assert.equal(existsSync(join(path, 'CREATING')), false);
        const again = await open(path, { verifyOnOpen: true });
        assert.equal(again.journal.lastTxId, 1);
        await again.close();
      });
    }
  });

  void it('a second writer is refused with AEP_STORE_LOCKED, and let in when the first has closed', async () => {
    await inDirectory(async (path) => {
      const first = await open(path);
      await assert.rejects(open(path, { lockWaitMs: 0 }), { code: 'AEP_STORE_LOCKED', advice: 'reject' });
      await first.close();
      await (await open(path)).close();
      assert.equal(existsSync(`${path}/LOCK`), false);
    });
  });

  void it('a store that is used after its close answers AEP_STORE_CLOSED, also while trimming was under way', async () => {
    await inDirectory(async (path) => {
      const store = await open(path);
      for (let round = 0; round < 100; round++) await write(store, 1);
      store.journal.trim(90);
      await store.close();
      assert.throws(() => store.tables.get(1, Buffer.from('k')), { code: 'AEP_STORE_CLOSED' });
      assert.throws(() => store.tables.range(1), { code: 'AEP_STORE_CLOSED' });
      assert.throws(() => store.tables.snapshot(), { code: 'AEP_STORE_CLOSED' });
      const error = await new Promise<AepError | undefined>((resolve) => store.setEpoch(5, resolve));
      assert.equal(error?.code, 'AEP_STORE_CLOSED');
      await new Promise((resolve) => setTimeout(resolve, 20));
    });
  });

  void it('opening waits for a writer that is going', async () => {
    await inDirectory(async (path) => {
      const first = await open(path);
      const second = open(path);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await first.close();
      await (await second).close();
    });
  });

  void it('a process that was killed holds no lock, although its parent has not noticed its end', async () => {
    await inDirectory(async (path) => {
      await (await open(path)).close();
      // The second sleep takes the place of the shell and never asks for the first one, which stays in the process table.
      const shell = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
      const [output] = (await once(shell.stdout, 'data')) as [Buffer];
      await new Promise((resolve) => setTimeout(resolve, 50));
      const { place } = JSON.parse(await lockTextOf(path)) as { place: string };
      writeFileSync(`${path}/LOCK`, JSON.stringify({ pid: Number(output.toString()), started: '', place }));
      await (await open(path, { lockWaitMs: 0 })).close();
      shell.kill('SIGKILL');
    });
  });

  void it('a lock of a dead process is taken over, one of another host only when told', async () => {
    await inDirectory(async (path) => {
      await (await open(path)).close();
      const dead = spawnSync(process.execPath, ['-e', '']).pid;
      const { place } = JSON.parse(await lockTextOf(path)) as { place: string };
      writeFileSync(`${path}/LOCK`, JSON.stringify({ pid: dead, started: '1', place }));
      await (await open(path)).close();
      writeFileSync(`${path}/LOCK`, JSON.stringify({ pid: dead, started: '1', place: 'elsewhere boot ns' }));
      await assert.rejects(open(path, { lockWaitMs: 0 }), { code: 'AEP_STORE_LOCKED' });
      await (await open(path, { takeOverForeignLock: true })).close();
    });
  });

  void it('a store of another engine is refused with AEP_STORE_OTHER_ENGINE', async () => {
    await inDirectory(async (path) => {
      await (await open(path)).close();
      await assert.rejects(open(path, { engineName: 'other' }), { code: 'AEP_STORE_OTHER_ENGINE' });
      // The refusal has let go of everything.
      await (await open(path)).close();
    });
  });

  void it('options out of range are refused with AEP_OPTION_INVALID before anything is made', async () => {
    await inDirectory(async (path) => {
      const target = join(path, 'new');
      await assert.rejects(open(target, { readerDeadlineMs: -1 }), { code: 'AEP_OPTION_INVALID' });
      await assert.rejects(open(target, { commitMode: 'never' as 'auto' }), { code: 'AEP_OPTION_INVALID' });
      assert.equal(existsSync(target), false);
    });
  });

  void it('a directory that cannot be a store is refused with AEP_STORE_OPEN_FAILED', async () => {
    await inDirectory(async (path) => {
      writeFileSync(`${path}/journal`, 'a file where a directory should be');
      await assert.rejects(open(path), { code: 'AEP_STORE_OPEN_FAILED' });
      writeFileSync(`${path}/file`, 'a file in the way to a store');
      const message = /the store in .*file\/store cannot be opened: ENOTDIR/;
      await assert.rejects(open(`${path}/file/store`), { code: 'AEP_STORE_OPEN_FAILED', message });
    });
  });

  for (const commitMode of ['async', 'sync']) {
    void it(`a write that the system refuses is fatal and reported once, with ${commitMode} commits; stable records survive it (S3, H22)`, async () => {
      await inDirectory((path) => checkRefusedWrite(path, commitMode));
    });
  }

  void it('a new store whose first write the system refuses is AEP_STORE_OPEN_FAILED, and the process lives on', async () => {
    await inDirectory(async (path) => {
      // Two pages are the first write of lmdb to a new file, and it ends the process in which that fails.
      const refused = runLimited(4, [path, 'sync', 'new']);
      assert.match(refused, /^AEP_STORE_OPEN_FAILED: .* the process that made its files was killed by SIG\w+/);
      await (await open(path)).close();
    });
  });

  void it('a store that has its directories but no files gets them from a child process, with verifyOnOpen off, too', async () => {
    await inDirectory(async (path) => {
      mkdirSync(join(path, 'journal'));
      mkdirSync(join(path, 'state'));
      const refused = runLimited(4, [path, 'sync', 'file']);
      assert.match(refused, /^AEP_STORE_OPEN_FAILED: .* the process that made its files was killed by SIG\w+/);
      const again = await open(path);
      assert.equal(again.journal.lastTxId, 0);
      await again.close();
    });
  });

  void it('a store that has lost its tables makes them anew from a whole journal', async () => {
    await inDirectory(async (path) => {
      const store = await open(path);
      await write(store, 10);
      await recover(store, { clock: new SystemClock() });
      await store.close();
      rmSync(join(path, 'state', 'data.mdb'));
      const again = await open(path, { verifyOnOpen: true });
      await recover(again, { clock: new SystemClock() });
      assert.deepEqual(pick(await again.verify()), { bad: undefined, tables: 'equal' });
      await again.close();
    });
  });

  void it('an epoch that cannot be written is AEP_STORE_WRITE_FAILED, and the process lives on (H22)', async () => {
    await inDirectory(async (path) => {
      assert.match(runLimited(undefined, [path, 'sync', 'epoch']), /^AEP_STORE_WRITE_FAILED: epoch 5 /);
      assert.equal((await open(path)).epoch, 0);
    });
  });

  void it('damaged files give a coded error and never harm the process that opens them (S5, seed 11)', async () => {
    await inDirectory(async (path) => {
      const store = await open(`${path}/good`);
      for (let round = 0; round < 20; round++) await write(store, 20);
      await recover(store, { clock: new SystemClock() });
      await store.close();
      const random = new SeededRandom(11);
      const outcomes = new Map<string, number>();
      for (let round = 0; round < 12; round++) {
        rmSync(`${path}/bad`, { recursive: true, force: true });
        cpSync(`${path}/good`, `${path}/bad`, { recursive: true });
        damage(`${path}/bad/${round % 3 === 0 ? 'state' : 'journal'}/data.mdb`, random);
        const outcome = await open(`${path}/bad`, { verifyOnOpen: true }).then(
          async (opened) => {
            await opened.close();
            return 'opened';
          },
          (error: unknown) => (error instanceof AepError ? error.code : String(error)),
        );
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
      for (const outcome of outcomes.keys())
        assert.match(
          outcome,
          /^(opened|AEP_(STORE_DAMAGED|RECORD_CORRUPT|STORE_OPEN_FAILED|STORE_MISSING|STORE_FORMAT))$/,
        );
      assert.ok((outcomes.get('opened') ?? 0) < 12, 'no damage was noticed');
    });
  });
});

async function checkRefusedWrite(path: string, commitMode: string): Promise<void> {
  const { failures, stable, after } = JSON.parse(runLimited(1500, [path, commitMode, 'records'])) as {
    failures: string[];
    stable: number;
    after: string;
  };
  assert.deepEqual(failures, ['AEP_STORE_WRITE_FAILED']);
  assert.equal(after, 'closed');
  const store = await open(path);
  assert.ok(stable > 0 && store.journal.stableTxId >= stable);
  assert.equal((await store.verify()).bad, undefined);
  await store.close();
}

/** What a process says at last to which the system refuses writes past so many blocks of a file. */
function runLimited(blocks: number | undefined, args: readonly string[]): string {
  const script = fileURLToPath(new URL('./limited-process.js', import.meta.url));
  const limit = blocks === undefined ? '' : `ulimit -f ${blocks};`;
  const command = [process.execPath, script, ...args].map((part) => `"${part}"`).join(' ');
  const { stdout, signal, status } = spawnSync('sh', ['-c', `${limit} exec ${command}`], { encoding: 'utf8' });
  assert.deepEqual({ signal, status }, { signal: null, status: 0 });
  return stdout.trim().split('\n').at(-1)!;
}

/** Zeroes, or fills with noise, some pages behind the two meta pages. */
function damage(file: string, random: SeededRandom): void {
  const pages = Math.floor(statSync(file).size / 4_096);
  const handle = openSync(file, 'r+');
  for (let count = 0; count < 4; count++) {
    const noise = Buffer.alloc(4_096, random.below(2) === 0 ? 0 : random.below(256));
    writeSync(handle, noise, 0, noise.length, (2 + random.below(pages - 2)) * 4_096);
  }
  closeSync(handle);
}

async function lockTextOf(path: string): Promise<string> {
  const store = await open(path);
  const text = readFileSync(`${path}/LOCK`, 'utf8');
  await store.close();
  return text;
}
