import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tablesOf, World } from './world.js';

describe('a pair', () => {
  it('begins with an empty register: one becomes primary, the other is paired (H3)', async () => {
    const world = new World(['a', 'b']);
    world.bootAll();
    const primary = await world.untilWhole();
    assert.equal(primary.name, 'a');
    assert.equal(world.machine('b').role, 'backup');
    await world.write(100);
    await world.until('the backup has it', () => world.isWhole());
    world.checkReleased();
  });

  it('goes on when its primary is killed, and the old one comes back with its tail cut (H3, H5)', async () => {
    const world = new World(['a', 'b']);
    world.bootAll();
    await world.untilWhole();
    await world.write(50);
    // A tail that only the primary has: the link is cut, then it dies.
    world.cut('a', 'b');
    world.machine('a').write(20);
    await world.advance(20);
    world.kill('a');
    world.heal('a', 'b');
    await world.until('b is primary', () => world.primary?.name === 'b');
    await world.write(30);
    world.boot('a');
    await world.untilWhole();
    assert.ok((world.marks.get('tail-cut') ?? 0) > 0);
    await world.write(10);
    await world.until('whole', () => world.isWhole());
    assert.equal(world.released.values.size, 90);
    world.checkReleased();
    await world.advance(3_000, 10);
    assert.deepEqual(tablesOf(world.machine('a')), tablesOf(world.machine('b')));
  });
});
