import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadModel } from '@aep/model';
import { diag } from 'libxml2-wasm';
import { outline, problemsOf } from './models.js';

const codesOf = (text: string): string[] => problemsOf(text).map((problem) => problem.code);

describe('XML (M9)', () => {
  test('without closing tags says which are not closed, and nothing about those that are', () => {
    const problems = problemsOf('<model>\n <env>\n  <a>1\n </env>\n <!-- <b> -->\n <apps><app name="x">\n</model>');
    assert.deepEqual(
      problems.map(({ line, column, message }) => `${line}:${column} ${message}`),
      [
        '3:3 <a> is not closed: </env> of line 4 comes first',
        '6:2 <apps> is not closed: </model> of line 7 comes first',
        '6:8 <app> is not closed: </model> of line 7 comes first',
      ],
    );
  });

  test('with a document type is refused, wherever the declaration stands', () => {
    const declarations = [
      '<!DOCTYPE model [<!ENTITY a "b">]>',
      '<!-- c -->\n<?p?><!DOCTYPE model SYSTEM "http://localhost:1/x.dtd">',
      '<?xml version="1.0"?><!DOCTYPE model SYSTEM "file:///etc/passwd">',
    ];
    for (const declaration of declarations) {
      assert.deepEqual(codesOf(`${declaration}<model/>`), ['AEP_MODEL_FORBIDDEN'], declaration);
    }
  });

  test('with an entity that nobody declared is refused', () => {
    assert.ok(codesOf('<model><env><a>&b;</a></env></model>').includes('AEP_MODEL_SYNTAX'));
    assert.equal(loadModel({ text: '<model><env><a>&lt;&#65;</a></env></model>', file: 'm' }).env.get('a'), '<A');
  });

  test('a DOCTYPE inside a comment or a text is not a declaration', () => {
    const text = '<!-- <!DOCTYPE a> --><model><env><a><![CDATA[<!DOCTYPE b><c>]]></a></env></model>';
    assert.equal(loadModel({ text, file: 'm' }).env.get('a'), '<!DOCTYPE b><c>');
  });

  test('that is too deep, too long or has too many elements is refused', () => {
    const deep = `<model><env>${'<a>'.repeat(60)}1${'</a>'.repeat(60)}</env></model>`;
    const tooDeepForTheParser = '<a>'.repeat(100_000);
    const many = `<model><env>${'<a/>'.repeat(60_000)}</env></model>`;
    assert.deepEqual(codesOf(deep), ['AEP_MODEL_TOO_LARGE']);
    assert.ok(codesOf(tooDeepForTheParser).length > 0);
    assert.deepEqual(codesOf(many), ['AEP_MODEL_TOO_LARGE']);
    assert.deepEqual(codesOf(' '.repeat(4 * 1024 * 1024 + 1)), ['AEP_MODEL_TOO_LARGE']);
  });

  test('names that reach into prototypes are refused', () => {
    const text = '<model><env><__proto__>1</__proto__><a constructor="1"/></env></model>';
    assert.deepEqual(outline(problemsOf(text)), [
      'AEP_MODEL_FORBIDDEN model.env.__proto__',
      'AEP_MODEL_FORBIDDEN model.env.a.constructor',
    ]);
  });

  test('places of attributes are those of the source, across lines, quotes and look-alikes', () => {
    const text = `<model><!-- <bus port="no"> -->\n<buses><bus name='b>"' \n\tprovider="x"   port =\n "70000"/></buses></model>`;
    const problem = problemsOf(text).find(({ path }) => path.endsWith('.port'));
    assert.deepEqual([problem?.line, problem?.column], [3, 17]);
  });

  test('leaves nothing behind in the memory of the parser, whatever the outcome', () => {
    diag.configure({ enabled: true });
    try {
      const texts = [
        '<model/>',
        '<model><x/></model>',
        '<model>',
        '<!DOCTYPE a><model/>',
        '<other/>',
        '',
        '<a>'.repeat(50),
      ];
      for (const text of texts) {
        try {
          loadModel({ text, file: 'm.xml' });
        } catch {
          // What is wrong with them is told elsewhere.
        }
      }
      assert.deepEqual(diag.report(), {});
    } finally {
      diag.configure({ enabled: false });
    }
  });

  test('a model may be in a namespace, and say where its schema is', () => {
    const text = `<model xmlns="http://example.com/ddl" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
      xsi:schemaLocation="http://example.com/ddl model.xsd"><env><a>1</a></env></model>`;
    assert.equal(loadModel({ text, file: 'm' }).env.get('a'), '1');
  });

  test('another root element, or none, is a mistake', () => {
    assert.deepEqual(codesOf('<modell/>'), ['AEP_MODEL_FIELD_UNKNOWN']);
    assert.deepEqual(codesOf('< '), ['AEP_MODEL_SYNTAX']);
    assert.deepEqual(problemsOf('').length, 1);
  });
});

describe('JSON (M9)', () => {
  const placeOf = (text: string): string => {
    const [problem] = problemsOf(text);
    return `${problem!.line}:${problem!.column} ${problem!.message}`;
  };

  test('mistakes of syntax are told with line, column and what was expected', () => {
    assert.equal(placeOf('{\n  "env": { "a": 1,\n }\n}'), '3:2 expected a key in double quotes, got "}"');
    assert.equal(placeOf('{ "env" 1 }'), '1:9 expected ":" after the key "env", got "1"');
    assert.equal(placeOf('{ "env": [1 2] }'), '1:13 expected "," or "]", got "2"');
    assert.equal(placeOf('{ "env": {"a": 01} }'), '1:17 expected "," or "}", got "1"');
    assert.equal(placeOf('{ "env": {"a": "x\n"} }').slice(0, 4), '1:16');
    assert.equal(placeOf('{ "env": {"a": "x'), '1:16 a text without its closing quote');
    assert.equal(placeOf('{} {}'), '1:4 "{" after the end of the model');
    assert.equal(placeOf('{ "env": undefined }'), '1:10 expected a value, got "u"');
  });

  test('keys that reach into prototypes and keys that are there twice are refused', () => {
    const text = '{"env":{"__proto__":1,"constructor":1,"prototype":1,"a":1,"a":2}}';
    assert.deepEqual(codesOf(text), [
      'AEP_MODEL_FORBIDDEN',
      'AEP_MODEL_FORBIDDEN',
      'AEP_MODEL_FORBIDDEN',
      'AEP_MODEL_DUPLICATE',
    ]);
  });

  test('that is too deep or has too many keys is refused', () => {
    assert.deepEqual(codesOf('['.repeat(100_000)), ['AEP_MODEL_TOO_LARGE']);
    assert.deepEqual(codesOf(`{"env":[${'1,'.repeat(60_000)}1]}`), ['AEP_MODEL_TOO_LARGE']);
  });

  test('a text of the largest size is read without running out of stack', () => {
    const value = '\\n'.repeat(1_500_000);
    assert.deepEqual(codesOf(`{"env":{"a":"${value}"}}`), ['AEP_MODEL_VALUE']);
  });

  test('an array, a word or a number is no model', () => {
    for (const text of [
      '[]',
      '"model"',
      '5',
      'null',
      'true',
      '[[1]]',
      '{"model":5}',
      '{"apps":5}',
      '{"apps":{"app":[[1]]}}',
    ]) {
      assert.ok(problemsOf(text).length > 0, text);
    }
  });
});
