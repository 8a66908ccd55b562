import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { loadModel, ModelError } from '@aep/model';

// The faulty models of test/golden with what is said about them. AEP_REWRITE_GOLDEN=1 records anew; read the diff.
const goldenDir = new URL('../../test/golden/', import.meta.url);
const sources = readdirSync(goldenDir).filter((name) => /\.(xml|json|json-broken)$/.test(name));

for (const file of sources) {
  test(`all mistakes of ${file} are told at once, each with its place`, () => {
    const recordUrl = new URL(`${file}.txt`, goldenDir);
    const told = problemsOf(file, readFileSync(new URL(file, goldenDir), 'utf8'));
    if (process.env['AEP_REWRITE_GOLDEN'] === '1') writeFileSync(recordUrl, told);
    assert.equal(told, readFileSync(recordUrl, 'utf8'));
  });
}

function problemsOf(file: string, text: string): string {
  try {
    loadModel({ file, text });
  } catch (error) {
    assert.ok(error instanceof ModelError);
    return `${error.message}\n`;
  }
  return 'no problems\n';
}
