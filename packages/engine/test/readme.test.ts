import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { runTeller } from './readme-example.js';
import { World } from './world.js';

const fromRoot = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('the example of the README runs', async () => {
  const world = new World();
  assert.equal(await world.run(runTeller(world.clock)), 5);
});

test('the example of the README is the file that is tested', () => {
  const shown = /```ts\n(@App[\s\S]*?)```/.exec(fromRoot('README.md'))?.[1];
  assert.ok(shown !== undefined && fromRoot('test/readme-example.ts').includes(shown.trim()));
});
