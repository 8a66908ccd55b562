import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom, systemRandom } from '@aep/kernel';

test('equal seeds give equal sequences, other seeds give others', () => {
  const draw = (seed: number): number[] => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 100 }, () => random.uint32());
  };
  assert.deepEqual(draw(42), draw(42));
  assert.notDeepEqual(draw(42), draw(43));
  assert.notDeepEqual(draw(0), draw(1));
});

test('the generator is xoshiro128**: it follows a plain BigInt reading of the published recurrence', () => {
  const random = new SeededRandom(7);
  const { a, b, c, d } = random as unknown as Record<string, number>;
  const state = [a, b, c, d].map((word) => BigInt((word ?? 0) >>> 0));
  for (let step = 0; step < 10_000; step++) assert.equal(random.uint32(), nextByDefinition(state), `step ${step}`);
});

test('the sequence of a seed does not change between versions', () => {
  const random = new SeededRandom(2026);
  assert.deepEqual([random.uint32(), random.uint32(), random.uint32(), random.uint32()], RECORDED);
});

test('from the state 1, 2, 3, 4 the first numbers are the known ones', () => {
  const random = new SeededRandom(0);
  Object.assign(random, { a: 1, b: 2, c: 3, d: 4 });
  assert.deepEqual(
    [random.uint32(), random.uint32(), random.uint32(), random.uint32()],
    [11_520, 0, 5_927_040, 70_819_200],
  );
});

test('floats lie in [0, 1) and use all 53 bits', () => {
  const random = new SeededRandom(3);
  let lowBits = 0;
  let sum = 0;
  for (let draw = 0; draw < 20_000; draw++) {
    const value = random.float();
    assert.ok(value >= 0 && value < 1);
    sum += value;
    if ((value * 2 ** 53) % 2 === 1) lowBits++;
  }
  assert.ok(Math.abs(sum / 20_000 - 0.5) < 0.01);
  assert.ok(Math.abs(lowBits / 20_000 - 0.5) < 0.02);
});

test('below(n) answers each integer of [0, n) about equally often', () => {
  const random = new SeededRandom(5);
  const counts = [0, 0, 0, 0, 0, 0, 0];
  for (let draw = 0; draw < 70_000; draw++) counts[random.below(7)]!++;
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, counts.join(' '));
});

test('a split generator draws on its own, so its use does not shift the other', () => {
  const one = new SeededRandom(9);
  const other = new SeededRandom(9);
  const child = one.split();
  other.split();
  child.uint32();
  child.uint32();
  assert.equal(one.uint32(), other.uint32());
  assert.notEqual(new SeededRandom(9).uint32(), new SeededRandom(9).split().uint32());
});

test('two generators of the system differ', () => {
  const [one, other] = [systemRandom(), systemRandom()];
  const draw = (random: { uint32(): number }): number[] => [random.uint32(), random.uint32(), random.uint32()];
  assert.notDeepEqual(draw(one), draw(other));
});

const RECORDED = [1_488_141_057, 2_736_994_499, 1_930_590_800, 4_121_196_190];
const MASK = 0xffff_ffffn;

/** The authors' C code word for word, in arithmetic that cannot overflow. */
function nextByDefinition(s: bigint[]): number {
  const rotl = (x: bigint, k: bigint): bigint => ((x << k) | (x >> (32n - k))) & MASK;
  const result = (rotl((s[1]! * 5n) & MASK, 7n) * 9n) & MASK;
  const t = (s[1]! << 9n) & MASK;
  s[2]! ^= s[0]!;
  s[3]! ^= s[1]!;
  s[1]! ^= s[2]!;
  s[0]! ^= s[3]!;
  s[2]! ^= t;
  s[3] = rotl(s[3]!, 11n);
  return Number(result);
}
