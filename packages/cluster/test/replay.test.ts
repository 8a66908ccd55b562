import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ReplayListener, ReplayPort } from '@aep/cluster';
import { AepError } from '@aep/kernel';
import { type RecordRun, RecordReader } from '@aep/store';
import { type LifeOptions, storeOf, World } from './world.js';

/** Notes what comes, and whether it comes in order. */
class Notes implements ReplayPort {
  readonly values: string[] = [];
  lastTxId = 0;
  lives = 0;
  isOpen = false;
  isBehind = false;
  listener: ReplayListener | undefined;

  status(): { phase: string; txId: number; problems: number; firstProblem: undefined } {
    return { phase: 'following', txId: this.lastTxId, problems: 0, firstProblem: undefined };
  }

  begin(_store: unknown, afterTxId: number, listener: ReplayListener): void {
    this.listener = listener;
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

/** A pair whose backup's replay is `notes`. */
async function replayingPair(options: LifeOptions = {}): Promise<{ world: World; notes: Notes }> {
  const world = new World(['a', 'b'], options);
  const notes = new Map<string, Notes>();
  world.makeReplay = (name) => {
    notes.set(name, new Notes());
    return notes.get(name)!;
  };
  world.bootAll();
  await world.untilWhole();
  return { world, notes: notes.get('b')! };
}

it('a replay that is behind gets nothing, and neither folding nor trimming passes it by; acknowledgements do not wait for it (H11)', async () => {
  const { world, notes } = await replayingPair({ limits: { checkpointIntervalMs: 20 } });
  for (let batch = 0; batch < 4; batch++) await world.write(5);
  await world.advance(200);
  const { journal } = storeOf(world.machine('b'));
  assert.equal(notes.lastTxId, 20);
  notes.isBehind = true;
  world.released.keptRecords = 10;
  for (let batch = 0; batch < 10; batch++) await world.write(20);
  await world.advance(500);
  assert.ok(storeOf(world.machine('a')).journal.firstTxId > 20, 'the primary trims');
  const status = world.machine('b').member.status();
  assert.deepEqual([status.lastTxId, status.appliedTxId, notes.lastTxId, journal.firstTxId], [220, 20, 20, 1]);
  notes.isBehind = false;
  notes.listener!.onRoom();
  await world.advance(500);
  assert.deepEqual([world.machine('b').member.status().appliedTxId, notes.lastTxId], [220, 220]);
  assert.ok(journal.firstTxId > 20, 'what waited is trimmed');
});

it('what a replay finds is an event and is in the status; what it cannot read ends the member (H11, H21, H22)', async () => {
  const { world, notes } = await replayingPair();
  const { member, events, stopped } = world.machine('b').life!;
  const differs = new AepError('AEP_REPLAY_DIFFERS', 'reject', 'transaction 3 differs', {});
  notes.listener!.onProblem(differs);
  assert.deepEqual(events[events.length - 1], { type: 'ReplayDiffers', member: 'b', cause: differs });
  assert.match(world.tail(1), /ReplayDiffers .*transaction 3 differs/);
  assert.equal(member.status().replay?.phase, 'following');
  assert.equal(world.machine('a').member.status().replay, undefined, 'a primary replays nothing');
  notes.listener!.onFailure(new AepError('AEP_RECORD_CORRUPT', 'fatal', 'record 3 cannot be read', {}));
  await world.until('the end of b', () => stopped.is);
  assert.equal(stopped.cause?.code, 'AEP_RECORD_CORRUPT');
});
