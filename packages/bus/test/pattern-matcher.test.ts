import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AepError } from '@aep/kernel';
import { PatternMatcher, patternMatches } from '@aep/bus';

describe('key patterns', () => {
  it('take one level for *, a part of one for text with *, and any rest for **', () => {
    assert.ok(patternMatches('A/*/C', 'A/B/C'));
    assert.ok(!patternMatches('A/*', 'A/B/C'));
    assert.ok(patternMatches('A-*.*', 'A-x.y'));
    assert.ok(!patternMatches('A-*.*', 'A-xy'));
    assert.ok(patternMatches('x*ab*bc', 'xyab-bc'));
    assert.ok(!patternMatches('x*ab*bc', 'xyabc'), 'the parts do not overlap');
    assert.ok(patternMatches('A/**', 'A/B/C'));
    assert.ok(patternMatches('A/**', 'A'));
    assert.ok(!patternMatches('*', ''), 'a null key has no level');
    assert.ok(patternMatches('**', '') && patternMatches('', ''), 'a catch-all takes the null key');
  });

  it('give a value that several patterns name once', () => {
    const matcher = new PatternMatcher<string>();
    for (const pattern of ['A/*', 'A/B', '**']) matcher.add(pattern, 'one');
    assert.deepEqual(matcher.match('A/B'), ['one']);
    assert.equal(matcher.size, 3);
  });

  it('notice changes after a key was asked for', () => {
    const matcher = new PatternMatcher<string>();
    assert.deepEqual(matcher.match('A'), []);
    matcher.add('A', 'x');
    assert.deepEqual(matcher.match('A'), ['x']);
    assert.ok(matcher.remove('A', 'x'));
    assert.ok(!matcher.remove('A', 'x'));
    assert.deepEqual(matcher.match('A'), []);
  });

  it('that take every key are found for each key, alone and beside others', () => {
    const matcher = new PatternMatcher<string>();
    matcher.add('**', 'all');
    matcher.add('', 'all too');
    assert.deepEqual(matcher.match('A'), ['all', 'all too']);
    assert.deepEqual(matcher.match(''), ['all', 'all too']);
    matcher.add('A/**', 'some');
    assert.deepEqual(matcher.match('A'), ['all', 'all too', 'some']);
    assert.deepEqual(matcher.match('B'), ['all', 'all too']);
    assert.ok(matcher.remove('A/**', 'some') && matcher.remove('**', 'all'));
    assert.deepEqual(matcher.match('A'), ['all too']);
    assert.ok(matcher.remove('', 'all too'));
    assert.deepEqual(matcher.match('A'), []);
  });

  it('are refused when ** is not the last level', () => {
    const matcher = new PatternMatcher<string>();
    for (const pattern of ['A/**/B', 'A**', 'x'.repeat(5000), '/'.repeat(200)]) {
      assert.throws(
        () => matcher.add(pattern, 'x'),
        (error) => error instanceof AepError && error.code === 'AEP_PATTERN_INVALID',
      );
    }
  });

  it('cost the depth of the key and not the number of subscriptions', () => {
    const matcher = new PatternMatcher<number>(1);
    for (let index = 0; index < 10_000; index++) matcher.add(`A-*.${index}/*`, index);
    const started = performance.now();
    for (let index = 0; index < 10_000; index++) assert.deepEqual(matcher.match(`A-x.${index}/y`), [index]);
    // A scan would compare 100 million patterns, which takes many seconds.
    assert.ok(performance.now() - started < 1500);
  });
});
