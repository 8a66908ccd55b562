import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { generate } from '@aep/codegen';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

test('the proto of the README becomes the classes that it names', () => {
  const text = /```proto\n([\s\S]*?)```/.exec(readme)![1]!;
  const [file] = generate({ files: [{ path: 'shop.proto', text }] });
  assert.equal(file!.path, 'shop.ts');
  const exported = [...file!.text.matchAll(/^export (?:class|const) (\w+)/gm)].map(([, name]) => name!);
  assert.deepEqual(new Set(exported), new Set(['NewOrder', 'Order', 'OrderBook', 'OrderBookValues', 'ShopFactory']));
});
