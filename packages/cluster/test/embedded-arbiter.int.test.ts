import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Arbiter, type GroupRecord, openEmbeddedArbiter, type Presence } from '@aep/cluster';
import { arbiterContract, type ArbiterHarness } from '@aep/cluster/contract';
import { RealTime } from './real-time.js';

arbiterContract('embedded', { outage: false, kill: false }, async () => new EmbeddedHarness());

class EmbeddedHarness extends RealTime implements ArbiterHarness {
  private readonly path = mkdtempSync(join(tmpdir(), 'aep-arbiter-'));

  connect(group = 'group'): Arbiter {
    const arbiter = openEmbeddedArbiter({ path: this.path, group, pollMs: 5, announceIntervalMs: 200 });
    this.arbiters.add(arbiter);
    return arbiter;
  }

  async dispose(): Promise<void> {
    await this.closeAll();
    rmSync(this.path, { recursive: true, force: true });
  }
}

describe('the embedded arbiter between processes', () => {
  void it('gives every epoch to one of three processes that want it, one of which is killed again and again (H1)', async () => {
    await withArbiter(async (path, arbiter) => {
      const claims: { readonly epoch: number; readonly pid: number }[] = [];
      const start = (): ChildProcess => startClaimer(path, (epoch, pid) => claims.push({ epoch, pid }));
      const steady = [start(), start()];
      for (let kill = 0; kill < 6; kill++) {
        const victim = start();
        await once(victim.stdout!, 'data');
        await new Promise((resolve) => setTimeout(resolve, 20 + 15 * kill));
        victim.kill('SIGKILL');
        await once(victim, 'close');
      }
      for (const child of steady) child.kill('SIGKILL');
      await Promise.all(steady.map((child) => once(child, 'close')));
      const epochs = claims.map(({ epoch }) => epoch);
      assert.equal(new Set(epochs).size, epochs.length, 'an epoch was given twice');
      const last = (await readOf(arbiter))!.epoch;
      // A process that was killed may have been given one that it could not say any more.
      assert.ok(epochs.length >= last - 6 && Math.max(...epochs) <= last, `${epochs.length} claims, epoch ${last}`);
      assert.ok(last > 30, `only ${last} changes`);
      assert.ok(new Set(claims.map(({ pid }) => pid)).size > 2, 'several processes were given epochs');
    });
  });

  void it('a killed process is not listed any more as soon as it is dead', async () => {
    await withArbiter(async (path, arbiter) => {
      const child = startClaimer(path, () => undefined);
      await once(child.stdout!, 'data');
      assert.deepEqual(
        (await someoneOf(arbiter)).map(({ name }) => name),
        [`claimer-${child.pid}`],
      );
      child.kill('SIGKILL');
      await once(child, 'close');
      assert.deepEqual(await presenceOf(arbiter), []);
    });
  });

  void it('an announcement that nobody has repeated lately counts no more, also when it is found for the first time', async () => {
    await withArbiter(async (path, arbiter) => {
      const presence: Presence = { name: 'm', storeId: 's', address: 'h:1', priority: 1, version: '1', lastTxId: 0 };
      arbiter.announce(presence);
      await someoneOf(arbiter);
      const file = join(path, 'presence', 'group', 'm.json');
      const text = readFileSync(file, 'utf8');
      await new Promise<void>((resolve) => arbiter.close(resolve));
      writeFileSync(file, text);
      const found = openEmbeddedArbiter({ path, group: 'group', announceIntervalMs: 60 });
      assert.deepEqual(await presenceOf(found), [presence]);
      await new Promise((resolve) => setTimeout(resolve, 250));
      assert.deepEqual(await presenceOf(found), []);
      await new Promise<void>((resolve) => found.close(resolve));
      const fresh = openEmbeddedArbiter({ path, group: 'group', announceIntervalMs: 60 });
      assert.deepEqual(await presenceOf(fresh), []);
      writeFileSync(file, 'no JSON at all');
      assert.deepEqual(await presenceOf(fresh), []);
      await new Promise<void>((resolve) => fresh.close(resolve));
    });
  });

  void it('of announcements in one turn the last one counts, and none is left after a close that comes at once', async () => {
    await withArbiter(async (path, arbiter) => {
      const presence: Presence = { name: 'm', storeId: 's', address: 'h:1', priority: 1, version: '1', lastTxId: 0 };
      for (let lastTxId = 1; lastTxId <= 5; lastTxId++) arbiter.announce({ ...presence, lastTxId });
      let found = await someoneOf(arbiter);
      for (let round = 0; found[0]?.lastTxId !== 5 && round < 200; round++) found = await presenceOf(arbiter);
      assert.equal(found[0]?.lastTxId, 5);
      arbiter.announce({ ...presence, lastTxId: 6 });
      await new Promise<void>((resolve) => arbiter.close(resolve));
      assert.deepEqual(readdirSync(join(path, 'presence', 'group')), []);
    });
  });

  void it('a directory that cannot be used is AEP_ARBITER_OPEN, naming it', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'aep-arbiter-')), 'file');
    writeFileSync(file, '');
    assert.throws(() => openEmbeddedArbiter({ path: join(file, 'below'), group: 'g' }), {
      code: 'AEP_ARBITER_OPEN',
      message: new RegExp(file),
    });
  });

  void it('names and times out of their ranges are AEP_OPTION_INVALID', () => {
    const path = mkdtempSync(join(tmpdir(), 'aep-arbiter-'));
    assert.throws(() => openEmbeddedArbiter({ path, group: '../other' }), { code: 'AEP_OPTION_INVALID' });
    assert.throws(() => openEmbeddedArbiter({ path, group: 'g', pollMs: 0 }), { code: 'AEP_OPTION_INVALID' });
  });
});

async function withArbiter(action: (path: string, arbiter: Arbiter) => Promise<void>): Promise<void> {
  const path = mkdtempSync(join(tmpdir(), 'aep-arbiter-'));
  const arbiter = openEmbeddedArbiter({ path, group: 'group', pollMs: 5, announceIntervalMs: 200 });
  try {
    await action(path, arbiter);
  } finally {
    await new Promise<void>((resolve) => arbiter.close(resolve));
    rmSync(path, { recursive: true, force: true });
  }
}

function startClaimer(path: string, onClaim: (epoch: number, pid: number) => void): ChildProcess {
  const child = spawn(process.execPath, [fileURLToPath(new URL('./claimer-process.js', import.meta.url)), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    const epoch = Number(line);
    if (epoch > 0) onClaim(epoch, child.pid!);
  });
  return child;
}

function readOf(arbiter: Arbiter): Promise<GroupRecord | undefined> {
  return new Promise((resolve, reject) => {
    arbiter.read((error, record) => (error === undefined ? resolve(record) : reject(error)));
  });
}

function presenceOf(arbiter: Arbiter): Promise<readonly Presence[]> {
  return new Promise((resolve, reject) => {
    arbiter.presence((error, present) => (error === undefined ? resolve(present) : reject(error)));
  });
}

/** An announcement is written beside the event loop. */
async function someoneOf(arbiter: Arbiter): Promise<readonly Presence[]> {
  for (let round = 0; round < 200; round++) {
    const present = await presenceOf(arbiter);
    if (present.length > 0) return present;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return [];
}
