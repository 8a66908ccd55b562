import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SeededRandom } from '@aep/kernel';
import { defineModel, loadModel, ModelError, type Model } from '@aep/model';
import { fixture, outline } from './models.js';
import { spellJson, spellXml, writtenModels, type Written } from './written-models.js';

// fast-check prints seed and path of a failure; AEP_SEED runs the mutations of one seed.
const MUTATIONS = 1500;
const mutationSeed = Number(process.env['AEP_SEED'] ?? 20_261_121);

/** The model, or what is wrong with it; anything else that is thrown fails the test. */
function outcomeOf(call: () => Model): Model | ModelError {
  try {
    return call();
  } catch (error) {
    if (error instanceof ModelError) return error;
    throw error;
  }
}

/** Without places, which differ between spellings: the model, or codes and paths of the problems. */
function comparable(outcome: Model | ModelError): unknown {
  return outcome instanceof ModelError ? outline(outcome.problems).toSorted() : outcome;
}

test('XML, JSON and code that say the same end in the same model, or in the same problems', () => {
  let loaded = 0;
  let refused = 0;
  const property = fc.property(writtenModels, fc.integer(), (written: Written, seed: number) => {
    const random = new SeededRandom(seed);
    const flip = (): boolean => random.float() < 0.5;
    const inCode = outcomeOf(() => defineModel(written as never));
    const inJson = outcomeOf(() => loadModel({ text: spellJson(written, flip), file: 'm.json' }));
    const inXml = outcomeOf(() => loadModel({ text: spellXml(written, flip), file: 'm.xml' }));
    assert.deepEqual(comparable(inJson), comparable(inCode));
    assert.deepEqual(comparable(inXml), comparable(inCode));
    if (inCode instanceof ModelError) refused++;
    else loaded++;
  });
  fc.assert(property, { numRuns: 120 });
  assert.ok(loaded > 0 && refused > 0, `both kinds are met: ${loaded} loaded, ${refused} refused`);
});

test('any JSON is a model or AEP_MODEL_INVALID, and so is any text', () => {
  const keys = fc.constantFrom(
    'model',
    'env',
    'buses',
    'bus',
    'apps',
    'app',
    'name',
    'port',
    'storage',
    'templates',
    'profiles',
    '__proto__',
    'toString',
    '',
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 6 },
      fc.constantFrom<unknown>(null, true, 0, -1, 1e300, '', '${', '${a::', '5s', 'x'),
      fc.array(tie('tree'), { maxLength: 3 }),
      fc.dictionary(keys, tie('tree'), { maxKeys: 5 }),
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => void outcomeOf(() => loadModel({ text: JSON.stringify(value), file: 'm.json' }))),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(tree, (value) => void outcomeOf(() => defineModel(value as never))),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('xml', 'json'),
      (text, format) => void outcomeOf(() => loadModel({ text, file: 'm', format })),
    ),
    { numRuns: 1000 },
  );
});

test('JSON is read as JSON.parse reads it', () => {
  // A free tree holds any object of texts; what comes out is what JSON.parse would have given.
  const texts = fc.dictionary(fc.stringMatching(/^[a-z][a-zA-Z0-9_-]{0,5}$/), fc.string({ unit: 'binary' }), {
    maxKeys: 5,
  });
  fc.assert(
    fc.property(texts, fc.constantFrom(0, 1, '\t', '\r\n'), (values, indent) => {
      fc.pre(!Object.hasOwn(values, 'constructor') && !Object.values(values).some((value) => value.includes('${')));
      const { env } = loadModel({ text: JSON.stringify({ env: values }, null, indent), file: 'm.json' });
      assert.deepEqual(Object.entries(env.values), Object.entries(values));
    }),
    { numRuns: 500 },
  );
});

for (const name of ['guide-sample.xml', 'orders.xml', 'orders.json']) {
  test(`mutations of ${name} are models or AEP_MODEL_INVALID (seed ${mutationSeed})`, () => {
    const random = new SeededRandom(mutationSeed);
    const original = fixture(name);
    let refused = 0;
    for (let run = 0; run < MUTATIONS / 3; run++) {
      const text = mutate(original, random);
      try {
        if (outcomeOf(() => loadModel({ text, file: name })) instanceof ModelError) refused++;
      } catch (error) {
        throw new Error(`seed ${mutationSeed}, mutation ${run}: ${JSON.stringify(text)}`, { cause: error });
      }
    }
    assert.ok(refused > 0);
  });
}

/** A few edits: pieces cut out, doubled, moved, or replaced by what parsers trip over. */
function mutate(text: string, random: SeededRandom): string {
  const inserts = [
    '<',
    '>',
    '"',
    '{',
    '}',
    '[',
    '&',
    '&amp;',
    '<!--',
    ']]>',
    '${',
    '::',
    '\0',
    '\ud800',
    '\\u',
    '/>',
    ' xmlns="a"',
    '<?',
    '9'.repeat(30),
  ];
  const at = (): number => random.below(text.length);
  let mutated = text;
  for (let edits = 1 + random.below(3); edits > 0; edits--) {
    const from = at();
    const to = Math.min(mutated.length, from + random.below(20));
    const piece = mutated.slice(from, to);
    const choice = random.float();
    const insert = inserts[random.below(inserts.length)]!;
    if (choice < 0.3) mutated = mutated.slice(0, from) + mutated.slice(to);
    else if (choice < 0.5) mutated = mutated.slice(0, to) + piece + mutated.slice(to);
    else if (choice < 0.6) mutated = mutated.slice(0, from) + mutated.slice(to) + piece;
    else mutated = mutated.slice(0, from) + insert + mutated.slice(from);
  }
  return mutated;
}
