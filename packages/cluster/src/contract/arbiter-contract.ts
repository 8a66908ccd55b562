import assert from 'node:assert/strict';
import { AepError } from '@aep/kernel';
import type { Arbiter, GroupRecord, MemberRef, Presence, SwapAnswer } from '../arbiter/arbiter.js';

/** What an arbiter can be made to do for the contract. */
export interface ArbiterCapabilities {
  /** `harness.stop` and `harness.start` make it unreachable and reachable again, with what it knew. */
  readonly outage: boolean;
  /** `harness.kill` ends a member without a close. */
  readonly kill: boolean;
}

/** How the contract handles one kind of arbiter. Made anew for each test. */
export interface ArbiterHarness {
  /** Another member's way to the arbiter of a group; the one of the harness unless another is named. Closed by `dispose`. */
  connect(group?: string): Arbiter;
  kill?(arbiter: Arbiter): void;
  stop?(): Promise<void>;
  start?(): Promise<void>;
  /** Lets time go by until the condition holds; throws after a generous time. */
  waitUntil(condition: () => boolean): Promise<void>;
  /** Lets that much time go by. */
  pause(ms: number): Promise<void>;
  dispose(): Promise<void>;
}

export interface ArbiterCase {
  readonly name: string;
  readonly needs?: keyof ArbiterCapabilities;
  run(harness: ArbiterHarness): Promise<void>;
}

const A: MemberRef = { name: 'a', storeId: 'store-a' };
const B: MemberRef = { name: 'b', storeId: 'store-b' };

export const arbiterCases: readonly ArbiterCase[] = [
  {
    name: 'a register that was never set is empty',
    async run(harness) {
      assert.equal(await read(harness, harness.connect()), undefined);
    },
  },
  {
    name: 'the first swap sets the register, for all members and as it was given (H1)',
    async run(harness) {
      const record: GroupRecord = { epoch: 1, primary: A, members: [A, B], incarnation: 1_767_225_600_123 };
      assert.deepEqual(await swap(harness, harness.connect(), 0, record), { swapped: true, current: record });
      assert.deepEqual(await read(harness, harness.connect()), record);
    },
  },
  {
    name: 'a swap that expects another epoch changes nothing and is told what is there',
    async run(harness) {
      const [one, other] = [harness.connect(), harness.connect()];
      await swap(harness, one, 0, recordOf(1, A));
      assert.deepEqual(await swap(harness, other, 0, recordOf(1, B)), { swapped: false, current: recordOf(1, A) });
      await swap(harness, one, 1, recordOf(2, A));
      assert.deepEqual(await swap(harness, other, 1, recordOf(2, B)), { swapped: false, current: recordOf(2, A) });
      assert.deepEqual(await swap(harness, other, 5, recordOf(6, B)), { swapped: false, current: recordOf(2, A) });
      assert.deepEqual(await read(harness, one), recordOf(2, A));
    },
  },
  {
    name: 'of swaps that expect the same epoch at the same time exactly one succeeds, and the others see it',
    async run(harness) {
      const arbiters = Array.from({ length: 5 }, () => harness.connect());
      for (let epoch = 0; epoch < 12; epoch++) {
        const members = arbiters.map((_, index) => ({ name: `m${index}`, storeId: `s${index}` }));
        const answers = await Promise.all(
          arbiters.map((arbiter, index) => swap(harness, arbiter, epoch, recordOf(epoch + 1, members[index]!))),
        );
        const winners = answers.flatMap((answer, index) => (answer.swapped ? [index] : []));
        assert.equal(winners.length, 1, `epoch ${epoch + 1} was given ${winners.length} times`);
        for (const { current } of answers) assert.deepEqual(current, recordOf(epoch + 1, members[winners[0]!]!));
      }
    },
  },
  {
    name: 'a member that knows an old epoch only by what it was told late is not fooled',
    async run(harness) {
      const [one, other] = [harness.connect(), harness.connect()];
      await swap(harness, one, 0, recordOf(1, A));
      for (let epoch = 1; epoch < 8; epoch += 2) {
        assert.equal((await swap(harness, one, epoch, recordOf(epoch + 1, A))).swapped, true);
        assert.equal((await swap(harness, other, epoch + 1, recordOf(epoch + 2, B))).swapped, true);
      }
    },
  },
  {
    name: 'what is no next record is refused as a mistake: epochs rise by one, the primary is a member',
    async run(harness) {
      const arbiter = harness.connect();
      const never = (): void => assert.fail('a refused swap calls nobody back');
      const wrong: readonly (readonly [number, GroupRecord])[] = [
        [0, recordOf(2, A)],
        [1, recordOf(1, A)],
        [-1, recordOf(0, A)],
        [0, { ...recordOf(1, A), members: [] }],
        [0, { ...recordOf(1, A), members: [B] }],
        [0, { ...recordOf(1, A), members: [A, { ...B, name: 'a' }] }],
        [0, { ...recordOf(1, A), primary: { name: '', storeId: 's' } }],
        [0, { ...recordOf(1, A), members: [A, ...Array.from({ length: 40 }, (_, n) => ({ ...B, name: `n${n}` }))] }],
      ];
      for (const [expected, record] of wrong)
        assert.throws(() => arbiter.compareAndSet(expected, record, never), { code: 'AEP_ASSERTION' });
      assert.equal(await read(harness, arbiter), undefined);
    },
  },
  {
    name: 'no callback comes from inside a call',
    async run(harness) {
      const arbiter = harness.connect();
      let count = 0;
      const done = (): void => void count++;
      arbiter.read(done);
      arbiter.compareAndSet(0, recordOf(1, A), done);
      arbiter.presence(done);
      arbiter.watch(done);
      assert.equal(count, 0);
      await harness.waitUntil(() => count >= 4);
      arbiter.close(done);
      arbiter.read(done);
      const before = count;
      await harness.waitUntil(() => count >= before + 2);
    },
  },
  {
    name: 'a watcher hears of the present value, then of changes by anybody, never of an older one after a newer one',
    async run(harness) {
      const [one, other] = [harness.connect(), harness.connect()];
      const epochs: number[] = [];
      one.watch((record) => epochs.push(record?.epoch ?? 0));
      await harness.waitUntil(() => epochs.length === 1);
      assert.deepEqual(epochs, [0], 'it begins with the present value');
      for (let epoch = 0; epoch < 6; epoch++)
        await swap(harness, epoch % 2 === 0 ? one : other, epoch, recordOf(epoch + 1, A));
      await harness.waitUntil(() => epochs.at(-1) === 6);
      assert.deepEqual(
        epochs,
        epochs.toSorted((a, b) => a - b),
      );
      const late: GroupRecord[] = [];
      one.watch((record) => late.push(record!));
      await harness.waitUntil(() => late.length === 1);
      assert.deepEqual(late, [recordOf(6, A)]);
    },
  },
  {
    name: 'a watch that was ended hears nothing more; others go on',
    async run(harness) {
      const arbiter = harness.connect();
      const [ended, kept]: [number[], number[]] = [[], []];
      const end = arbiter.watch((record) => ended.push(record?.epoch ?? 0));
      arbiter.watch((record) => kept.push(record?.epoch ?? 0));
      await harness.waitUntil(() => ended.length === 1 && kept.length === 1);
      end();
      await swap(harness, arbiter, 0, recordOf(1, A));
      await harness.waitUntil(() => kept.at(-1) === 1);
      assert.deepEqual(ended, [0]);
    },
  },
  {
    name: 'groups of one arbiter know nothing of each other',
    async run(harness) {
      const [one, other] = [harness.connect('first'), harness.connect('second')];
      await swap(harness, one, 0, recordOf(1, A));
      one.announce(presenceOf('a'));
      assert.equal(await read(harness, other), undefined);
      assert.equal((await swap(harness, other, 0, recordOf(1, B))).swapped, true);
      assert.deepEqual(await read(harness, one), recordOf(1, A));
      await untilPresent(harness, one, ['a']);
      assert.deepEqual(await names(harness, other), []);
    },
  },
  {
    name: 'who has announced itself is listed with what it said last, and is gone after its close',
    async run(harness) {
      const [one, other] = [harness.connect(), harness.connect()];
      one.announce(presenceOf('a', 7));
      other.announce({ ...presenceOf('b'), storeId: '' });
      await untilPresent(harness, other, ['a', 'b']);
      const found = (await presence(harness, other)).find(({ name }) => name === 'a');
      assert.deepEqual(found, presenceOf('a', 7));
      one.announce(presenceOf('a', 8));
      let priority = 0;
      for (let round = 0; round < 200 && priority !== 8; round++) {
        await harness.pause(25);
        // Repeated by a member when something changes; a round that is under way may still carry the old one.
        if (round % 20 === 19) one.announce(presenceOf('a', 8));
        priority = (await presence(harness, other)).find(({ name }) => name === 'a')?.priority ?? 0;
      }
      assert.equal(priority, 8);
      await close(harness, one);
      await untilPresent(harness, other, ['b']);
    },
  },
  {
    name: 'who lives stays present without saying it again',
    async run(harness) {
      const [one, other] = [harness.connect(), harness.connect()];
      one.announce(presenceOf('a'));
      await untilPresent(harness, other, ['a']);
      for (let round = 0; round < 8; round++) {
        await harness.pause(600);
        assert.deepEqual(await names(harness, other), ['a']);
      }
    },
  },
  {
    name: 'who dies without a close is gone after a while',
    needs: 'kill',
    async run(harness) {
      const [one, other] = [harness.connect(), harness.connect()];
      one.announce(presenceOf('a'));
      await untilPresent(harness, other, ['a']);
      harness.kill!(one);
      await untilPresent(harness, other, []);
    },
  },
  {
    name: 'what was set is there after an outage, and a watcher hears of the last value',
    needs: 'outage',
    async run(harness) {
      const [one, other] = [harness.connect(), harness.connect()];
      const epochs: number[] = [];
      one.watch((record) => epochs.push(record?.epoch ?? 0));
      await swap(harness, other, 0, recordOf(1, A));
      await harness.waitUntil(() => epochs.at(-1) === 1);
      await harness.stop!();
      await harness.pause(300);
      await harness.start!();
      assert.deepEqual(await eventually(harness, () => read(harness, other)), recordOf(1, A));
      const answer = await eventually(harness, () => swap(harness, other, 1, recordOf(2, B)));
      assert.deepEqual(answer.current, recordOf(2, B));
      await harness.waitUntil(() => epochs.at(-1) === 2);
    },
  },
  {
    name: 'without the arbiter calls end with AEP_ARBITER_UNAVAILABLE, in time, and nothing is swapped behind (H1)',
    needs: 'outage',
    async run(harness) {
      const arbiter = harness.connect();
      await swap(harness, arbiter, 0, recordOf(1, A));
      await harness.stop!();
      const expected = { code: 'AEP_ARBITER_UNAVAILABLE', advice: 'retry' };
      await assert.rejects(read(harness, arbiter), expected);
      await assert.rejects(swap(harness, arbiter, 1, recordOf(2, A)), expected);
      await assert.rejects(presence(harness, arbiter), expected);
      await harness.start!();
      const found = await eventually(harness, () => read(harness, arbiter));
      // The swap found nobody, so it cannot have happened; one whose answer was lost could.
      assert.deepEqual(found, recordOf(1, A));
    },
  },
  {
    name: 'after a close every call is answered with AEP_ARBITER_CLOSED, those under way too, and closing twice is well',
    async run(harness) {
      const arbiter = harness.connect();
      let watched = 0;
      arbiter.watch(() => watched++);
      await harness.waitUntil(() => watched === 1);
      const underWay = read(harness, arbiter);
      const closing = close(harness, arbiter);
      await underWay.catch((error: AepError) => assert.equal(error.code, 'AEP_ARBITER_CLOSED'));
      await closing;
      const expected = { code: 'AEP_ARBITER_CLOSED' };
      await assert.rejects(read(harness, arbiter), expected);
      await assert.rejects(swap(harness, arbiter, 0, recordOf(1, A)), expected);
      await assert.rejects(presence(harness, arbiter), expected);
      arbiter.announce(presenceOf('a'));
      arbiter.watch(() => watched++);
      await close(harness, arbiter);
      const other = harness.connect();
      await swap(harness, other, 0, recordOf(1, B));
      assert.deepEqual(await names(harness, other), []);
      assert.equal(watched, 1);
    },
  },
];

function recordOf(epoch: number, primary: MemberRef): GroupRecord {
  return { epoch, primary, members: [primary], incarnation: 42 };
}

function presenceOf(name: string, priority = 1): Presence {
  return { name, storeId: `store-${name}`, address: '127.0.0.1:7001', priority, version: '0.1.0', lastTxId: 12 };
}

function read(harness: ArbiterHarness, arbiter: Arbiter): Promise<GroupRecord | undefined> {
  return answered(harness, (done) => arbiter.read(done));
}

// oxlint-disable-next-line max-params -- reads as a sentence
async function swap(
  harness: ArbiterHarness,
  arbiter: Arbiter,
  expected: number,
  record: GroupRecord,
): Promise<SwapAnswer> {
  const answer = await answered<SwapAnswer>(harness, (done) => arbiter.compareAndSet(expected, record, done));
  assert.ok(answer !== undefined, 'an answer without an error says whether it swapped');
  return answer;
}

async function presence(harness: ArbiterHarness, arbiter: Arbiter): Promise<readonly Presence[]> {
  return (await answered<readonly Presence[]>(harness, (done) => arbiter.presence(done))) ?? [];
}

async function names(harness: ArbiterHarness, arbiter: Arbiter): Promise<string[]> {
  return (await presence(harness, arbiter)).map(({ name }) => name).sort();
}

async function untilPresent(harness: ArbiterHarness, arbiter: Arbiter, expected: readonly string[]): Promise<void> {
  let found: string[] = [];
  for (let round = 0; round < 400; round++) {
    found = await names(harness, arbiter);
    if (found.join() === expected.join()) return;
    await harness.pause(25);
  }
  assert.deepEqual(found, expected);
}

async function close(harness: ArbiterHarness, arbiter: Arbiter): Promise<void> {
  let isClosed = false;
  arbiter.close(() => (isClosed = true));
  await harness.waitUntil(() => isClosed);
}

async function answered<T>(
  harness: ArbiterHarness,
  ask: (done: (error: AepError | undefined, value: T | undefined) => void) => void,
): Promise<T | undefined> {
  const answers: { readonly error: AepError | undefined; readonly value: T | undefined }[] = [];
  ask((error, value) => answers.push({ error, value }));
  await harness.waitUntil(() => answers.length > 0);
  assert.equal(answers.length, 1, 'one answer per call');
  const { error, value } = answers[0]!;
  if (error !== undefined) throw error;
  return value;
}

/** Tries again while the arbiter is not there yet. */
async function eventually<T>(harness: ArbiterHarness, attempt: () => Promise<T>): Promise<T> {
  for (let round = 0; ; round++) {
    try {
      return await attempt();
    } catch (thrown) {
      if (round === 100 || !(thrown instanceof AepError) || thrown.advice !== 'retry') throw thrown;
      await harness.pause(50);
    }
  }
}
