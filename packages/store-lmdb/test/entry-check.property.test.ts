import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SeededRandom } from '@aep/kernel';
import { checkOf, copyChecked, keySeed, viewed } from '@aep/store-lmdb/internal';

const seed = Number(process.env['AEP_SEED'] ?? Date.now() % 1_000_000);

describe(`the checksum of a table entry (AEP_SEED=${seed})`, () => {
  void it('is the same for a value wherever it lies, and when it is taken while copying', () => {
    const random = new SeededRandom(seed);
    for (let length = 0; length < 300; length++) {
      const value = randomBytes(random, length);
      const start = random.below(16);
      const from = Buffer.concat([randomBytes(random, start), value, randomBytes(random, random.below(16))]);
      const to = viewed(new Uint8Array(length + 20));
      const target = random.below(16);
      const copied = copyChecked(
        7,
        { valueView: viewed(from).view, valueStart: start, valueEnd: start + length },
        to.view,
        target,
      );
      assert.equal(Buffer.compare(to.bytes.subarray(target, target + length), value), 0);
      assert.equal(copied, checkOf(7, viewed(value).view, 0, length));
      assert.equal(copied, checkOf(7, to.view, target, target + length));
    }
  });

  void it('sees every flipped bit of table id, key and value', () => {
    const random = new SeededRandom(seed);
    for (let length = 0; length < 120; length++) {
      const key = randomBytes(random, 1 + random.below(24));
      const value = randomBytes(random, length);
      const tableId = random.below(0x1_0000);
      const check = checkEntry(tableId, key, value);
      for (let bit = 0; bit < 16; bit++) assert.notEqual(checkEntry(tableId ^ (1 << bit), key, value), check);
      for (const bytes of [key, value]) {
        for (let bit = 0; bit < bytes.length * 8; bit++) {
          bytes[bit >> 3]! ^= 1 << (bit & 7);
          assert.notEqual(checkEntry(tableId, key, value), check, `length ${length}, bit ${bit}`);
          bytes[bit >> 3]! ^= 1 << (bit & 7);
        }
      }
    }
  });

  void it('is not that of zeros, of a part, or of the same bytes cut elsewhere between key and value', () => {
    for (let length = 0; length < 200; length++) {
      const zeros = new Uint8Array(length);
      assert.notEqual(checkEntry(1, zeros, zeros), 0);
      assert.notEqual(
        checkEntry(1, new Uint8Array(4), zeros),
        checkEntry(1, new Uint8Array(4), new Uint8Array(length + 1)),
      );
      assert.notEqual(checkEntry(1, new Uint8Array(4), zeros), checkEntry(1, new Uint8Array(5), zeros));
    }
  });

  void it('spreads: among 50,000 like entries hardly two have the same', () => {
    const checks = new Set<number>();
    for (let index = 0; index < 50_000; index++) {
      const value = new Uint8Array(40);
      new DataView(value.buffer).setUint32(16, index);
      checks.add(checkEntry(1, Buffer.from(`order-${index % 100}`), value));
    }
    // By chance 0.3 pairs would meet.
    assert.ok(checks.size > 49_990, `${checks.size} different`);
  });
});

function checkEntry(tableId: number, key: Uint8Array, value: Uint8Array): number {
  return checkOf(keySeed(tableId, key, 0, key.length), viewed(value).view, 0, value.length);
}

function randomBytes(random: SeededRandom, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}
