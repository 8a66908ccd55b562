import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { Member, MemoryRegister } from '@aep/cluster';
import { systemRandom, SystemClock } from '@aep/kernel';
import { TcpNetwork } from '@aep/net';
import { LmdbStoreMaker } from '@aep/store-lmdb';
import { RealTime } from './real-time.js';
import { Released, TestEngines } from './test-engine.js';

const time = new RealTime();
const until = (condition: () => boolean): Promise<void> => time.waitUntil(condition);

/** One member as a process would have it: real time, TCP, LMDB. */
class Process {
  readonly engines: TestEngines;
  readonly member: Member;
  hasStopped = false;

  constructor(folder: string, name: string, register: MemoryRegister, released: Released) {
    const clock = new SystemClock();
    this.engines = new TestEngines(clock, released);
    this.member = new Member(
      { group: 'app', name, address: '127.0.0.1:0', version: '0.1.0', priority: name === 'a' ? 1 : 0 },
      {
        clock,
        random: systemRandom(),
        network: new TcpNetwork(),
        arbiter: register.connect({ clock }),
        stores: new LmdbStoreMaker({ path: join(folder, name), engineName: 'app', clock }),
        engines: this.engines,
        onStopped: () => (this.hasStopped = true),
      },
    );
    this.member.start();
  }

  get works(): boolean {
    return this.member.status().role === 'primary' && this.engines.current?.isWorking === true;
  }

  get isPaired(): boolean {
    return this.works && this.member.status().register?.members.length === 2;
  }

  async stop(): Promise<void> {
    this.member.stop();
    await until(() => this.hasStopped);
  }
}

it('a pair over TCP and LMDB: written, stopped, taken over, trimmed, copied and switched', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'aep-pair-'));
  const released = new Released();
  released.keptRecords = 200;
  const register = new MemoryRegister();
  const make = (name: string): Process => new Process(folder, name, register, released);
  const write = async (at: Process, count: number): Promise<void> => {
    const before = released.values.size;
    for (let left = count; left > 0;) {
      left -= at.engines.current!.write(Math.min(left, 100), at.member.status().name);
      await new Promise(setImmediate);
    }
    await until(() => released.values.size === before + count);
  };
  let a = make('a');
  await until(() => a.works);
  await write(a, 2_000);
  let b = make('b');
  await until(() => a.isPaired);
  await write(a, 2_000);
  await a.stop();
  await until(() => b.works);
  await write(b, 2_000);
  // By now the journal begins behind what a has: it comes back by a copy, or from the journal when trimming was slow.
  a = make('a');
  await until(() => b.isPaired);
  await write(b, 500);
  const switched = new Promise((resolve) => b.member.switchTo('a', resolve));
  assert.equal(await switched, undefined);
  await until(() => a.isPaired);
  await write(a, 500);
  await until(() => b.member.status().lastTxId === 7_000);
  assert.equal(b.member.status().incarnation, a.member.status().incarnation);
  assert.deepEqual(released.conflicts, []);
  await b.stop();
  await a.stop();
  b = make('b');
  await until(() => b.member.status().lastTxId === 7_000);
  await b.stop();
  rmSync(folder, { recursive: true, force: true });
});
