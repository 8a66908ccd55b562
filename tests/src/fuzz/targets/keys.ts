import assert from 'node:assert/strict';
import { compileFilter, compileKeyTemplate, type KeyTemplate, PatternMatcher, patternMatches } from '@aep/bus';
import { NewOrderMessage, OrderState, OrderEventMessage } from '@aep/example-orders';
import { bytesOfText, choiceOf, type FuzzTarget, textOfBytes, tokensOf } from '../target.js';

const KEY_TOKENS = tokensOf(
  '${',
  '}',
  '::',
  '#[',
  ']',
  'hash(',
  '/',
  '*',
  '**',
  '>',
  '${Region}',
  '.',
  '=',
  '|',
  ';',
  '\n',
);

/** Key templates and the values that messages fill into them: template, country and department on a line each. */
export function openKeys(): FuzzTarget {
  return {
    name: 'keys',
    testRuns: 10_000,
    seeds: [
      'NEWORDERS/${Country}/${Department}\nUnited Kingdom\nToys',
      'a/${Country::none}/${missing::x}/b\n\n',
      'S/#[shard = hash(${invoiceNo}, 16)]/${Quantity}\nUSA\n',
      'static/key\nA/B\n*',
      '',
    ].map((text) => bytesOfText(text)),
    tokens: KEY_TOKENS,
    run: (input) => {
      const [text = '', country = '', ...rest] = textOfBytes(input).split('\n');
      const template = compile(text, choiceOf(input));
      const message = NewOrderMessage.create();
      try {
        message.country = country;
        message.department = rest.join('\n');
        message.invoiceNo = country;
        const table = { Region: country, Department: 'table', missing: 7 };
        const key = template.bind(NewOrderMessage.$type).resolve(message, table);
        assert.ok(key.length <= template.rules.maxResolvedKeyLength, 'a key keeps its limit');
        if (template.rules.cleanMessageKey) assert.ok(!key.includes('*'), 'a clean key has no wildcards');
      } finally {
        message.dispose();
      }
    },
  };
}

/** Filters, and the patterns that they become: template, filter and department on a line each. */
export function openFilters(): FuzzTarget {
  return {
    name: 'filters',
    testRuns: 10_000,
    seeds: [
      'OrderEvents/${OrderState}/${Region}/${Department}\nOrderState=New|Amended;Region=EU\nToys',
      'OrderEvents/${OrderState}/${Region}/${Department}\nregion=*;department=A B|C\nC',
      'x-${Region}-y/#[shard = hash(${invoiceNo}, 4)]\nshard=1|2\n',
      'static\n\n',
      '\n\n',
    ].map((text) => bytesOfText(text)),
    tokens: [...KEY_TOKENS, ...tokensOf('OrderState=', 'Region=', 'a|'.repeat(40))],
    run: (input) => {
      const [text = '', filter = '', ...rest] = textOfBytes(input).split('\n');
      const template = compile(text, choiceOf(input));
      const patterns = compileFilter(filter, template);
      const matcher = new PatternMatcher<string>();
      for (const pattern of patterns) matcher.add(pattern, pattern);
      const message = OrderEventMessage.create();
      try {
        message.orderState = OrderState.New;
        message.region = 'EU';
        message.invoiceNo = '700101';
        message.department = rest.join('\n');
        const key = template.bind(OrderEventMessage.$type).resolve(message);
        const expected = patterns.filter((pattern) => patternMatches(pattern, key));
        assert.deepEqual(
          [...matcher.match(key)].toSorted(),
          expected.toSorted(),
          'the trie finds what the definition says',
        );
      } finally {
        message.dispose();
      }
    },
  };
}

function compile(text: string, choice: number): KeyTemplate {
  return compileKeyTemplate(text, {
    channel: 'orders@bus',
    cleanMessageKey: (choice & 1) !== 0,
    allowEmptyKeyField: (choice & 2) !== 0,
    treatEmptyKeyFieldAsNull: (choice & 4) !== 0,
    ...((choice & 8) === 0 ? {} : { initialTable: { Region: 'EU' } }),
  });
}
