import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ExitCode } from '@aep/cli';
import { aep, aepJson, scratchDirectory } from './test-io.js';

const scratch = scratchDirectory();
after(() => scratch.remove());
const cwd = scratch.path;
const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const proto = (name: string, body: string, imports = ''): string =>
  `syntax = "proto3";\npackage ${name};\n${imports}${body}\n`;

mkdirSync(join(cwd, 'schemas/shop'), { recursive: true });
writeFileSync(
  join(cwd, 'schemas/shop/orders.proto'),
  proto('shop', 'message Order { string id = 1; shop.Money price = 2; }', 'import "shop/money.proto";\n'),
);
writeFileSync(join(cwd, 'schemas/shop/money.proto'), proto('shop', 'message Money { int64 cents = 1; }'));

test('the generated code of these tests is what aep generate writes', async () => {
  const { exitCode, out } = await aep(packageRoot, ['generate', 'test/ledger.proto', '--out', 'test/gen', '--check']);
  assert.equal(out, 'current  test/gen/ledger.ts\n');
  assert.equal(exitCode, ExitCode.ok);
});

test('a directory of .proto files becomes code under the paths of its imports', async () => {
  const { exitCode, out } = await aep(cwd, ['generate', 'schemas', '--out', 'gen']);
  assert.equal(exitCode, ExitCode.ok);
  assert.equal(out, 'written  gen/shop/money.ts\nwritten  gen/shop/orders.ts\n');
  assert.match(readFileSync(join(cwd, 'gen/shop/orders.ts'), 'utf8'), /class Order\b/);
});

test('files that are imported are generated along, found below the root', async () => {
  const files = await aepJson<{ files: { file: string; outcome: string }[] }>(cwd, [
    'generate',
    'schemas/shop/orders.proto',
    '--root',
    'schemas',
    '--out',
    'gen2',
  ]);
  assert.deepEqual(
    files.files.map(({ file }) => file),
    ['gen2/shop/orders.ts', 'gen2/shop/money.ts'],
  );
});

test('an import that is nowhere is reported with its place', async () => {
  writeFileSync(join(cwd, 'lost.proto'), proto('lost', 'message A { gone.B b = 1; }', 'import "gone.proto";\n'));
  const { exitCode, err } = await aep(cwd, ['generate', 'lost.proto', '--out', 'gen3']);
  assert.equal(exitCode, ExitCode.inputInvalid);
  assert.match(err, /^error: AEP_PROTO_INVALID: lost\.proto:\d+:\d+: /);
});

test('code that is current is not written again', async () => {
  await aep(cwd, ['generate', 'schemas', '--out', 'gen4']);
  const before = statSync(join(cwd, 'gen4/shop/orders.ts')).mtimeMs;
  const { out } = await aep(cwd, ['generate', 'schemas', '--out', 'gen4']);
  assert.match(out, /^current {2}gen4\/shop\/orders\.ts$/m);
  assert.equal(statSync(join(cwd, 'gen4/shop/orders.ts')).mtimeMs, before);
});

test('--check writes nothing, and fails when code is missing or stale', async () => {
  const missing = await aep(cwd, ['generate', 'schemas', '--out', 'gen5', '--check']);
  assert.equal(missing.exitCode, ExitCode.problemsFound);
  assert.match(missing.out, /^missing {2}gen5\/shop\/money\.ts$/m);
  assert.throws(() => statSync(join(cwd, 'gen5')), { code: 'ENOENT' });
  await aep(cwd, ['generate', 'schemas', '--out', 'gen5']);
  writeFileSync(join(cwd, 'gen5/shop/money.ts'), '// changed by hand\n');
  const stale = await aep(cwd, ['generate', 'schemas', '--out', 'gen5', '--check']);
  assert.equal(stale.exitCode, ExitCode.problemsFound);
  assert.match(stale.out, /^stale {4}gen5\/shop\/money\.ts$/m);
});

test('two files that would be imported by one name are refused', async () => {
  mkdirSync(join(cwd, 'a'), { recursive: true });
  mkdirSync(join(cwd, 'b'), { recursive: true });
  for (const directory of ['a', 'b']) writeFileSync(join(cwd, directory, 'x.proto'), proto(directory, 'message X {}'));
  const { exitCode, err } = await aep(cwd, ['generate', 'a/x.proto', 'b/x.proto', '--out', 'gen6']);
  assert.equal(exitCode, ExitCode.usage);
  assert.match(
    err,
    /a\/x\.proto and b\/x\.proto would both be imported as "x\.proto": name their directory with --root/,
  );
});

test('a directory without .proto files is a mistake', async () => {
  mkdirSync(join(cwd, 'empty'), { recursive: true });
  const { exitCode, err } = await aep(cwd, ['generate', 'empty', '--out', 'gen7']);
  assert.equal(exitCode, ExitCode.usage);
  assert.match(err, /there is no \.proto file below empty/);
});

test('a schema that only grew breaks nothing', async () => {
  writeFileSync(join(cwd, 'old.proto'), proto('s', 'message A { string x = 1; }'));
  writeFileSync(join(cwd, 'grown.proto'), proto('s', 'message A { string x = 1; int32 y = 2; } message B {}'));
  const { exitCode, out } = await aep(cwd, ['schema', 'check', 'old.proto', 'grown.proto']);
  assert.deepEqual([exitCode, out], [ExitCode.ok, 'ok grown.proto: nothing breaks\n']);
});

test('breaking changes of a schema are listed with their place, and the exit code says so', async () => {
  writeFileSync(join(cwd, 'old.proto'), proto('s', 'message A { string x = 1; int32 n = 2; }'));
  writeFileSync(join(cwd, 'changed.proto'), proto('s', 'message A { int32 x = 1; }'));
  const { exitCode, out, err } = await aep(cwd, ['schema', 'check', 'old.proto', 'changed.proto']);
  assert.equal(exitCode, ExitCode.problemsFound);
  assert.match(out, /^changed\.proto:3:\d+: field 1 .*\[field-type-changed\]$/m);
  assert.match(out, /\[field-removed-without-reserved\]$/m);
  assert.equal(err, '2 breaking changes\n');
  const { changes } = await aepJson<{ changes: { kind: string }[] }>(cwd, [
    'schema',
    'check',
    'old.proto',
    'changed.proto',
  ]);
  assert.deepEqual(changes.map(({ kind }) => kind).toSorted(), [
    'field-removed-without-reserved',
    'field-type-changed',
  ]);
});
