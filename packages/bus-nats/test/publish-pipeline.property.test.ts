import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outbound } from '@aep/bus';
import { PublishPipeline, type PublishStep } from '@aep/bus-nats/internal';
import { SeededRandom } from '@aep/kernel';
import { MessageMetadata } from '@aep/messages';

const RUNS = 300;
const MESSAGES = 60;
const SEED = Number(process.env['AEP_SEED'] ?? Date.now() % 1_000_000);

interface Answer {
  readonly step: PublishStep;
  readonly isStored: boolean;
}

/** A stream as JetStream keeps it: it knows ids, it can be full, and it holds a publisher to the last id that it expects. */
class Stream {
  readonly ids: string[] = [];
  room = 5;

  publish(step: PublishStep): boolean {
    const { id, bytes } = step.entry;
    if (this.ids.includes(id)) return true;
    if (step.expectedLastId !== undefined && step.expectedLastId !== this.ids.at(-1)) return false;
    if (bytes > this.room) return false;
    this.room -= bytes;
    this.ids.push(id);
    return true;
  }
}

function outbound(bytes: number): Outbound {
  const channel = { name: 'c', id: 1, qos: 'Guaranteed', properties: {} } as const;
  return { channel, key: '', metadata: new MessageMetadata(), bytes: new Uint8Array(bytes), start: 0, end: bytes };
}

test('through refusals, lost answers, lost messages and other senders every message is stored once and in order', (context) => {
  context.diagnostic(`seed ${SEED} (AEP_SEED=${SEED} repeats it)`);
  for (let run = 0; run < RUNS; run++) {
    const random = new SeededRandom(SEED + run);
    const stream = new Stream();
    const pipeline = new PublishPipeline({ messagesMax: 1 + random.below(10), bytesMax: 40 }, MESSAGES);
    const confirmed: string[] = [];
    for (let number = 1; number <= MESSAGES; number++) pipeline.offer(outbound(1 + random.below(4)), `m${number}`);
    let wire: PublishStep[] = [];
    let answers: Answer[] = [];
    const send = (): void => {
      for (let step = pipeline.next(); step !== undefined; step = pipeline.next()) wire.push(step);
    };
    for (let turn = 0; pipeline.size > 0; turn++) {
      assert.ok(turn < 20_000, `run ${run}: it comes to an end`);
      send();
      const dice = random.below(20);
      if (dice === 0) {
        // The connection is lost: what was under way in either direction is gone.
        [wire, answers] = [[], []];
        pipeline.rewind();
      } else if (dice === 1) stream.ids.push(`stranger-${turn}`);
      else if (dice < 4) stream.room += 6;
      else if (dice < 5) pipeline.release();
      else if (dice < 13) {
        const step = wire.shift();
        if (step !== undefined) answers.push({ step, isStored: stream.publish(step) });
      } else {
        const answer = answers.shift();
        if (answer?.isStored === true) pipeline.onStored(answer.step.ordinal, ({ id }) => confirmed.push(id));
        else if (answer !== undefined) pipeline.onRefused(answer.step.run, { hold: random.below(2) === 0 });
      }
    }
    const expected = Array.from({ length: MESSAGES }, (_, index) => `m${index + 1}`);
    assert.deepEqual(
      stream.ids.filter((id) => !id.startsWith('stranger')),
      expected,
      `run ${run}: stored in order`,
    );
    assert.deepEqual(confirmed, expected, `run ${run}: confirmed once each`);
  }
});

test('has at most so many messages and bytes in flight, and more only while all goes well', () => {
  const pipeline = new PublishPipeline({ messagesMax: 4, bytesMax: 10 }, 100);
  for (let number = 1; number <= 20; number++) pipeline.offer(outbound(3), `m${number}`);
  const first = pipeline.next()!;
  assert.equal(first.expectedLastId, undefined);
  assert.equal(pipeline.next(), undefined, 'one, until it is known to work');
  pipeline.onStored(first.ordinal, () => undefined);
  const steps = [pipeline.next()!, pipeline.next()!];
  assert.equal(pipeline.next(), undefined);
  assert.deepEqual(
    steps.map((step) => [step.entry.id, step.expectedLastId]),
    [
      ['m2', undefined],
      ['m3', 'm2'],
    ],
  );
  for (const { ordinal } of steps) pipeline.onStored(ordinal, () => undefined);
  let count = 0;
  while (pipeline.next() !== undefined) count++;
  assert.equal(count, 4, 'messagesMax, which 10 bytes just allow');
});
