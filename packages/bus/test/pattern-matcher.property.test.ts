import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { PatternMatcher, patternMatches } from '@aep/bus';

const level = fc.stringMatching(/^[ab.-]{0,3}$/);
const patternLevel = fc.oneof(level, fc.constant('*'), fc.stringMatching(/^[ab.]{0,2}\*([ab.]{1,2}\*)?[ab]{0,1}$/));
const key = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
const pattern = fc
  .tuple(fc.array(patternLevel, { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([levels, hasTail]) => [...levels, ...(hasTail ? ['**'] : [])].join('/'));

describe('the subscription trie', () => {
  it('finds what comparing with each pattern finds, after additions and removals', () => {
    fc.assert(
      fc.property(
        fc.array(pattern, { maxLength: 30 }),
        fc.array(key, { maxLength: 20 }),
        fc.nat(),
        (patterns, keys, n) => {
          const matcher = new PatternMatcher<number>(8);
          for (const [index, text] of patterns.entries()) matcher.add(text, index);
          const removed = patterns.length === 0 ? -1 : n % patterns.length;
          for (const text of keys) matcher.match(text);
          if (removed >= 0) assert.ok(matcher.remove(patterns[removed]!, removed));
          for (const text of [...keys, '']) {
            const expected = patterns.flatMap((candidate, index) =>
              index !== removed && patternMatches(candidate, text) ? [index] : [],
            );
            assert.deepEqual(
              [...matcher.match(text)].sort((a, b) => a - b),
              expected,
              `key "${text}" of ${patterns.join(' ')}`,
            );
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
