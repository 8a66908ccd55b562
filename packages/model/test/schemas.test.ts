import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { loadModel, modelJsonSchema, modelXsd } from '@aep/model';
import { generateTypes, jsonSchemaFindings, validateByXsd } from '@aep/model/internal';
import { ParseOption, XmlDocument } from 'libxml2-wasm';
import { fixture, problemsOf } from './models.js';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
/** Without the differences that a formatter makes. */
const tokens = (text: string): string => text.replaceAll(/[\s;|(),]+/g, '');

describe('what is made from the table of fields is current (node packages/model/scripts/generate.mjs)', () => {
  test('schemas/model.xsd', () => assert.equal(read('../../schemas/model.xsd'), modelXsd()));
  test('schemas/model.schema.json', () => {
    assert.deepEqual(JSON.parse(read('../../schemas/model.schema.json')), modelJsonSchema());
  });
  test('src/gen/model.ts', () => assert.equal(tokens(read('src/gen/model.ts')), tokens(generateTypes())));
});

function xsdFindings(text: string): string[] {
  const document = XmlDocument.fromString(text, { url: 'm.xml', option: ParseOption.XML_PARSE_NO_XXE });
  try {
    return validateByXsd(document, modelXsd()).map(({ line, message }) => `${line} ${message}`);
  } finally {
    document.dispose();
  }
}

describe('the published schemas', () => {
  test('accept the sample, and every fixture that loads', () => {
    for (const name of readdirSync(new URL('../../test/fixtures/', import.meta.url))) {
      loadModel({ text: fixture(name), file: name });
      assert.deepEqual(
        name.endsWith('.xml') ? xsdFindings(fixture(name)) : jsonSchemaFindings(fixture(name)),
        [],
        name,
      );
    }
  });

  test('refuse in XML, with lines, what is not a name, a value or a place of the model', () => {
    const faults: Record<string, RegExp> = {
      '<model>\n<bses/></model>': /^2 .*bses/,
      '<model><buses>\n<bus name="b" port="x"/></buses></model>': /^2 .*port/,
      '<model><buses><bus name="b">\n<channel name="c" qos="guaranteed"/></bus></buses></model>': /^2 .*qos/,
      '<model><apps>\n\n<app name="a" limits="5"/></apps></model>': /^3 .*limits/,
      '<model><apps><app name="a">\n<policies stuckAlertThreshold="5 s"/></app></apps></model>': /^2 .*5 s/,
    };
    for (const [text, expected] of Object.entries(faults)) {
      assert.match(xsdFindings(text)[0] ?? '', expected, text);
      assert.throws(() => loadModel({ text, file: 'm' }), { code: 'AEP_MODEL_INVALID' });
    }
  });

  test('refuse in JSON what is not a name, a value or a place of the model', () => {
    const faults = [
      '{"bses":[]}',
      '{"buses":[{"name":"b","port":"x"}]}',
      '{"buses":[{"name":"b","channels":[{"name":"c","qos":"guaranteed"}]}]}',
      '{"apps":[{"name":"a","limits":5}]}',
      '{"apps":[{"name":"a","policies":{"stuckAlertThreshold":5}}]}',
      '{"apps":[{"mainClass":"a"}]}',
    ];
    for (const text of faults) {
      assert.ok(jsonSchemaFindings(text).length > 0, text);
      assert.throws(() => loadModel({ text, file: 'm' }), { code: 'AEP_MODEL_INVALID' });
    }
  });

  test('are asked when loading, too: what only they refuse is AEP_MODEL_SCHEMA', () => {
    const xml = '<model xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n<env xsi:type="Nothing"/></model>';
    const [inXml] = problemsOf(xml);
    assert.deepEqual([inXml?.code, inXml?.line], ['AEP_MODEL_SCHEMA', 2]);
    assert.equal(problemsOf('{"$schema":5}')[0]?.code, 'AEP_MODEL_SCHEMA');
  });

  test('accept a variable wherever a value is read', () => {
    assert.deepEqual(
      xsdFindings('<model><buses><bus name="b" port="${p::1}"><channel name="c" qos="${q}"/></bus></buses></model>'),
      [],
    );
    assert.deepEqual(jsonSchemaFindings('{"apps":[{"name":"${a}","storage":{"verifyReplay":"${b::false}"}}]}'), []);
  });
});
