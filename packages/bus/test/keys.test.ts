import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AepError, hashString } from '@aep/kernel';
import { compileFilter, compileKeyTemplate, type KeyTemplateOptions, type KeyTable } from '@aep/bus';
import { order, type OrderData, orderType } from './order-type.js';

const channel = 'orders@sample-bus';

function template(text: string, options: Partial<KeyTemplateOptions> = {}) {
  return compileKeyTemplate(text, { channel, ...options });
}

interface Resolution {
  key: string;
  message?: OrderData;
  options?: Partial<KeyTemplateOptions>;
  sendTable?: KeyTable;
  channelTable?: KeyTable;
}

function resolve({ key, message = {}, options, sendTable, channelTable }: Resolution): string {
  return template(key, options).bind(orderType).resolve(order(message), sendTable, channelTable);
}

function refused(code: string, ...words: string[]) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof AepError);
    assert.equal(error.code, code, error.message);
    for (const word of words) assert.ok(error.message.includes(word), `"${word}" is missing in: ${error.message}`);
    return true;
  };
}

describe('channel keys', () => {
  it('takes variables from fields without regard to the case of the first letter (E80, E81)', () => {
    const message = { region: 'US', department: 'Toys' };
    assert.equal(resolve({ key: 'NEWORDERS/${Region}/${department}', message }), 'NEWORDERS/US/Toys');
  });

  it('takes several variables per level, nested fields, enums by name and numbers (E80)', () => {
    const message = { region: 'US', state: 1, quantity: 0, customer: { region: 'EMEA', id: 2n ** 60n } };
    assert.equal(
      resolve({ key: 'A-${region}.${State}/${customer.region}/${quantity}/${customer.id}', message }),
      'A-US.Amended/EMEA/0/1152921504606846976',
    );
  });

  it('finds a field by its name in the .proto file too', () => {
    assert.equal(resolve({ key: '${order_line}', message: { orderLine: 'x' } as OrderData }), 'x');
  });

  it('asks field, table of the send, table of the channel, default, in this order (E81)', () => {
    const key = '${note::default}';
    const sendTable = { note: 'send' };
    const channelTable = { note: 'channel' };
    assert.equal(resolve({ key, message: { note: 'field' }, sendTable, channelTable }), 'field');
    assert.equal(resolve({ key, sendTable, channelTable }), 'send');
    assert.equal(resolve({ key, channelTable }), 'channel');
    assert.equal(resolve({ key }), 'default');
  });

  it('uses no property that a table inherits', () => {
    assert.throws(() => resolve({ key: '${constructor}', sendTable: {} }), refused('AEP_KEY_UNRESOLVED'));
  });

  it('names channel, variable, message type and the nearest field when nothing resolves a variable', () => {
    const words = ['orders@sample-bus', '${Regoin}', 'shop.Order', '"region"'];
    assert.throws(() => resolve({ key: 'A/${Regoin}' }), refused('AEP_KEY_UNRESOLVED', ...words));
  });

  it('freezes the variables of the initial table before fields, and leaves the others alone (E82)', () => {
    const options = { initialTable: { region: 'DE', Other: 'x' } };
    const frozen = template('A/${region}/${department::none}', options);
    assert.equal(frozen.isStatic, false);
    const key = frozen.bind(orderType).resolve(order({ region: 'US', department: 'Toys' }), { region: 'FR' });
    assert.equal(key, 'A/DE/Toys');
    assert.equal(template('A/${region}', options).staticKey, 'A/DE');
  });

  it('gives a message its own key whatever keys it has made before, also where they share a place in its memory', () => {
    const resolver = template('A/${region}/${department}').bind(orderType);
    // 2,500 keys for a few hundred places, and each of them twice; the long values differ in the middle only.
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 2_500; index++) {
        const region = `r${index % 50}`;
        const department = `department ${String(Math.floor(index / 50)).padStart(4, '0')} of the company`;
        assert.equal(resolver.resolve(order({ region, department })), `A/${region}/${department}`);
      }
    }
  });

  it('resolves static keys once (E84)', () => {
    const compiled = template('A/B');
    assert.equal(compiled.isStatic, true);
    assert.equal(compiled.staticKey, 'A/B');
    assert.equal(compiled.bind(orderType).resolve(order({})), 'A/B');
  });

  it('makes shards 1..N of a field, whose name also works as a reference (E80)', () => {
    const shard = (hashString('US') % 8) + 1;
    const key = 'A/#[shard = hash(${region}, 8)]/${shard}';
    assert.equal(resolve({ key, message: { region: 'US' } }), `A/${shard}/${shard}`);
    const seen = new Set(
      Array.from({ length: 200 }, (_, n) => resolve({ key: '#[s = hash(${note}, 4)]', message: { note: `n${n}` } })),
    );
    assert.deepEqual([...seen].sort(), ['1', '2', '3', '4']);
  });

  it('refuses an empty field unless an option of E83 says what it means', () => {
    const key = 'A/${region::none}';
    const message = { region: '' };
    assert.throws(() => resolve({ key, message }), refused('AEP_KEY_FIELD_EMPTY', '${region}', 'allowEmptyKeyField'));
    assert.equal(resolve({ key, message, options: { allowEmptyKeyField: true } }), 'A/');
    assert.equal(resolve({ key, message, options: { treatEmptyKeyFieldAsNull: true } }), 'A/none');
  });

  it('refuses values with a slash or a wildcard, and cleans them when told to (E83)', () => {
    for (const region of ['a/b', 'a*', '>']) {
      assert.throws(
        () => resolve({ key: '${region}', message: { region } }),
        refused('AEP_KEY_INVALID', '${region}', 'cleanMessageKey'),
      );
    }
    const message = { region: 'Süd/Ost 3*' };
    assert.equal(resolve({ key: '${region}', message, options: { cleanMessageKey: true } }), 'Süd_Ost_3_');
  });

  it('refuses a key over maxResolvedKeyLength (E83)', () => {
    const options = { maxResolvedKeyLength: 5 };
    assert.equal(resolve({ key: 'A/${region}', message: { region: 'abc' }, options }), 'A/abc');
    assert.throws(
      () => resolve({ key: 'A/${region}', message: { region: 'abcd' }, options }),
      refused('AEP_KEY_TOO_LONG'),
    );
    assert.throws(() => template('ABCDEF', options), refused('AEP_KEY_INVALID'));
  });

  for (const [text, word] of [
    ['A/${', 'not closed'],
    ['A/${1x}', 'expected ${name}'],
    ['A/*', 'wildcard'],
    ['#[x = sum(${a}, 2)]', 'hash'],
    ['#[x = hash(${a}, 0)]', '1..'],
    ['${a::1}/${a::2}', 'defined before'],
    ['${a::x/y}', '"/"'],
  ] as const) {
    it(`refuses the template ${text} and says where`, () => {
      assert.throws(() => template(text), refused('AEP_KEY_INVALID', channel, word));
    });
  }

  it('refuses variables that name a list or a message when they are bound', () => {
    assert.throws(() => template('${lines}').bind(orderType), refused('AEP_KEY_INVALID', 'repeated'));
    assert.throws(() => template('${customer}').bind(orderType), refused('AEP_KEY_INVALID', 'message'));
    assert.throws(() => template('${region.x}').bind(orderType), refused('AEP_KEY_INVALID', 'embedded'));
  });
});

describe('filters', () => {
  const orders = template('NEWORDERS/${Region}/${Department}');

  it('joins one pattern per value, with wildcards for what it does not mention (E85)', () => {
    assert.deepEqual(compileFilter('Region=US|EMEA', orders), ['NEWORDERS/US/*', 'NEWORDERS/EMEA/*']);
  });

  it('makes the cartesian product of several variables (E85)', () => {
    const patterns = compileFilter('Region=US|EMEA;Department=1|2', orders);
    assert.deepEqual(patterns, ['NEWORDERS/US/1', 'NEWORDERS/US/2', 'NEWORDERS/EMEA/1', 'NEWORDERS/EMEA/2']);
  });

  it('is all wildcards when it is null, and everything when the channel has no key', () => {
    assert.deepEqual(compileFilter(undefined, orders), ['NEWORDERS/*/*']);
    assert.deepEqual(compileFilter(undefined, template('')), ['**']);
    assert.deepEqual(compileFilter(undefined, template('A/B')), ['A/B']);
  });

  it('puts a wildcard into a part of a level that several variables share', () => {
    assert.deepEqual(compileFilter('y=1', template('A-${x}.${y}/${z}${x}')), ['A-*.1/*']);
  });

  it('filters by the name of a function and knows its range (E80)', () => {
    const sharded = template('A/#[shard = hash(${id}, 4)]');
    assert.deepEqual(compileFilter('shard=1|4', sharded), ['A/1', 'A/4']);
    assert.throws(() => compileFilter('shard=5', sharded), refused('AEP_FILTER_INVALID', '1..4'));
  });

  it('cleans its values as those of messages are cleaned', () => {
    const cleaned = template('A/${x}', { cleanMessageKey: true });
    assert.deepEqual(compileFilter('x=United Kingdom', cleaned), ['A/United_Kingdom']);
  });

  it('names the nearest variable when one is unknown', () => {
    assert.throws(
      () => compileFilter('Regon=US', orders),
      refused('AEP_FILTER_UNKNOWN_VARIABLE', '"Regon"', '"Region"'),
    );
  });

  it('refuses what is no filter, and values that no key can hold', () => {
    for (const filter of ['Region', 'Region=US;Region=DE', 'Region=', 'Region=a/b']) {
      assert.throws(() => compileFilter(filter, orders), refused('AEP_FILTER_INVALID', channel));
    }
    assert.throws(() => compileFilter('a=1', template('')), refused('AEP_FILTER_INVALID', 'no key'));
  });

  it('refuses a filter that leaves nothing of a frozen variable', () => {
    const frozen = template('A/${x}', { initialTable: { x: '1' } });
    assert.deepEqual(compileFilter('x=1|2', frozen), ['A/1']);
    assert.throws(() => compileFilter('x=2', frozen), refused('AEP_FILTER_INVALID', 'fixed to "1"'));
  });

  it('expands to at most 1,000 patterns', () => {
    const values = Array.from({ length: 40 }, (_, index) => index).join('|');
    assert.throws(
      () => compileFilter(`Region=${values};Department=${values}`, orders),
      refused('AEP_FILTER_TOO_LARGE', '1000'),
    );
  });
});
