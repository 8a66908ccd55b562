import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ReplayPort } from '@aep/cluster';
import { type RecordRun, RecordReader } from '@aep/store';
import { World } from './world.js';

/** Notes what comes, and whether it comes in order. */
class Notes implements ReplayPort {
  readonly values: string[] = [];
  lastTxId = 0;
  lives = 0;
  isOpen = false;
  isBehind = false;

  status(): { phase: string; txId: number; problems: number; firstProblem: undefined } {
    return { phase: 'following', txId: this.lastTxId, problems: 0, firstProblem: undefined };
  }

  begin(_store: unknown, afterTxId: number): void {
    assert.equal(this.isOpen, false);
    this.isOpen = true;
    this.lives++;
    this.lastTxId = afterTxId;
  }

  records(run: RecordRun): void {
    const reader = new RecordReader();
    for (let at = run.start; at < run.end;) {
      at = reader.open(run.bytes, at, run.end);
      assert.equal(reader.txId, this.lastTxId + 1);
      this.lastTxId = reader.txId;
      this.values.push(/<\d[^<]*>/.exec(Buffer.from(run.bytes.subarray(reader.start, at)).toString('latin1'))![0]);
    }
  }

  end(): void {
    assert.equal(this.isOpen, true);
    this.isOpen = false;
  }
}

it('a backup replays each stable record once, in order, and none that was cut (H11)', async () => {
  const world = new World(['a', 'b']);
  const notes = new Map<string, Notes>();
  world.makeReplay = (name) => {
    notes.set(name, new Notes());
    return notes.get(name)!;
  };
  world.bootAll();
  await world.untilWhole();
  await world.write(20);
  await world.advance(200);
  assert.equal(notes.get('b')!.lastTxId, 20);
  // These have reached b, but a never hears so: they are not stable, and b does not replay them.
  world.network.block('b', 'a');
  world.machine('a').write(7);
  await world.advance(50);
  assert.equal(world.machine('b').member.status().lastTxId, 27);
  assert.equal(notes.get('b')!.lastTxId, 20);
  world.network.unblock('b', 'a');
  await world.until('stable', () => world.isWhole());
  await world.advance(200);
  assert.equal(notes.get('b')!.lastTxId, 27);
  const values = [...world.released.values.values()];
  assert.deepEqual(notes.get('b')!.values, values);
  // As primary it replays nothing.
  world.kill('a');
  await world.until('b works', () => world.works('b'));
  await world.write(3);
  assert.deepEqual([notes.get('b')!.lastTxId, notes.get('b')!.isOpen], [27, false]);
  world.boot('a');
  await world.untilWhole();
  await world.advance(300);
  assert.equal(notes.get('a')!.lastTxId, 30);
  world.checkReleased();
});
