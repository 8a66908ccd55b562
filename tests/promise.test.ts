import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './src/harness/paths.js';
import { PLANTED_FAULTS } from './src/sim/planted-faults.js';

const file = join(ROOT, 'docs', 'promise.md');
const text = readFileSync(file, 'utf8');

test('each clause of the promise links to a test that exists', () => {
  const clauses = text.split(/^\d+\. \*\*/m).slice(1);
  assert.ok(clauses.length >= 10);
  const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => link);
  assert.deepEqual(
    links.filter((link) => !existsSync(join(dirname(file), link))),
    [],
  );
  // Order and fold are invariants of tests that the clauses before them name.
  const invariants = /_[A-Z][A-Za-z]+_/;
  const unheld = clauses.filter((clause) => !/\.test\.ts\)/.test(clause) && !invariants.test(clause));
  assert.deepEqual(unheld, []);
});

test('the promise names as many planted faults as there are', () => {
  assert.equal(PLANTED_FAULTS.length, 34);
  assert.match(text, /thirty-four guarantees/);
});
