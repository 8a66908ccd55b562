import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patternMatches } from '@aep/bus';
import { ChannelSubjects, fromToken, KeyFilter, toToken } from '@aep/bus-nats/internal';
import fc from 'fast-check';

const level = fc.oneof(
  fc.constantFrom('US', 'EMEA', '1', '', 'a.b', 'x y', '50%', '%', '%2E', 'Süd', '>', '*'),
  fc.string({ unit: 'grapheme', maxLength: 6 }).filter((text) => !text.includes('/')),
);
const key = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));

test('every level becomes a token that NATS takes, and comes back as it was', () => {
  fc.assert(
    fc.property(level, (text) => {
      const token = toToken(text);
      assert.match(token, /^[^\s.*>\p{Cc}]+$/u);
      assert.equal(fromToken(token), text);
    }),
  );
  assert.equal(toToken('new-orders_channel~2'), 'new-orders_channel~2', 'plain names stay readable');
  assert.equal(fromToken('50%'), '50%', 'a stray % of a stranger is no error');
});

test('the key of a message is in its subject, and a message without a key has that of the channel', () => {
  const subjects = new ChannelSubjects('bus.orders');
  fc.assert(fc.property(key, (text) => assert.equal(subjects.toKey(subjects.toSubject(text)), text)));
  assert.equal(subjects.toSubject(''), 'bus.orders');
  assert.equal(subjects.toKey('bus.orders'), '');
  assert.equal(subjects.toSubject('NEWORDERS/US/Toys'), 'bus.orders.NEWORDERS.US.Toys');
});

const patternLevel = fc.constantFrom('US', 'EMEA', '1', '*', '*', 'U*', '*S');
const pattern = fc
  .tuple(fc.array(patternLevel, { minLength: 1, maxLength: 3 }), fc.boolean())
  .map(([levels, isOpen]) => [...levels, ...(isOpen ? ['**'] : [])].join('/'));
const simpleKey = fc
  .array(fc.constantFrom('US', 'EMEA', '1', 'UX', 'XS'), { maxLength: 4 })
  .map((levels) => levels.join('/'));

test('a filter sends everything that the patterns take, and takes nothing else of what it sends', () => {
  fc.assert(
    fc.property(fc.array(pattern, { minLength: 1, maxLength: 4 }), simpleKey, (patterns, text) => {
      const filter = new KeyFilter('b.c', patterns);
      const isWanted = patterns.some((one) => patternMatches(one, text));
      const isSent =
        filter.subject === undefined || subjectMatches(filter.subject, new ChannelSubjects('b.c').toSubject(text));
      assert.equal(isSent && filter.takes(text), isWanted, `${patterns.join(' ')} / ${text} / ${filter.subject}`);
    }),
    { numRuns: 2000 },
  );
});

test('filters are as narrow as NATS 2.9 can have them: one per consumer', () => {
  const subjectOf = (...patterns: string[]) => new KeyFilter('b.c', patterns).subject;
  assert.equal(subjectOf(), undefined);
  assert.equal(subjectOf('**'), undefined);
  assert.equal(subjectOf('N/US/*'), 'b.c.N.US.*');
  assert.equal(subjectOf('N/US/*', 'N/EMEA/*'), 'b.c.N.*.*');
  assert.equal(subjectOf('N/US', 'N/US/1'), 'b.c.N.>');
  assert.equal(subjectOf('N/U*'), 'b.c.N.*');
  assert.equal(subjectOf('N/US/**'), 'b.c.N.>');
  assert.equal(subjectOf('N', 'N/US'), 'b.c.>');
});

/** What the server does with a filter: the plain definition. */
function subjectMatches(filter: string, subject: string): boolean {
  const wanted = filter.split('.');
  const tokens = subject.split('.');
  for (const [index, token] of wanted.entries()) {
    if (token === '>') return tokens.length > index;
    if (index >= tokens.length || (token !== '*' && token !== tokens[index])) return false;
  }
  return wanted.length === tokens.length;
}
