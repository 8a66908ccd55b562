import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { alertAfterMs, durability, port, printed } from './readme-example.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

test('the example of the README does what its comments say', () => {
  const example = readFileSync(new URL('../../test/readme-example.ts', import.meta.url), 'utf8');
  assert.ok(readme.includes(`\`\`\`ts\n${example}\`\`\``), 'the README shows test/readme-example.ts');
  assert.equal(port, 7401);
  assert.equal(durability, 'os');
  assert.equal(alertAfterMs, 5000);
  assert.match(printed, /durability = "os" {2}# override x\.apps\.order-processor\.storage\.durability/);
});

test('every code has its heading in the README, and every heading its code', () => {
  const sources = readdirSync(new URL('../../src/', import.meta.url), { recursive: true, encoding: 'utf8' });
  const used = sources
    .filter((name) => name.endsWith('.ts'))
    .flatMap(
      (name) => readFileSync(new URL(`../../src/${name}`, import.meta.url), 'utf8').match(/AEP_MODEL_[A-Z_]+/g) ?? [],
    );
  const headings = [...readme.matchAll(/^### (AEP_\w+)$/gm)].map((match) => match[1]!);
  assert.deepEqual(headings.toSorted(), [...new Set(used)].toSorted());
});
