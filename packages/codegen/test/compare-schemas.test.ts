import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareSchemas } from '@aep/codegen';

const head = 'syntax = "proto3";\npackage p;\n';

function compare(before: string, after: string): string[] {
  const changes = compareSchemas([{ path: 'a.proto', text: head + before }], [{ path: 'a.proto', text: head + after }]);
  return changes.map((change) => `${change.kind} ${change.message}`);
}

test('additions, comments and packing are compatible (E74)', () => {
  const before = 'message A { int32 x = 1; repeated int32 y = 2; }\nenum E { ZERO = 0; }';
  const after =
    '// New.\nmessage A { optional int32 x = 1; repeated int32 y = 2 [packed = false]; string z = 3; }\nenum E { ZERO = 0; ONE = 1; }\nmessage B {}';
  assert.deepEqual(compare(before, after), []);
});

const cases: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'a field number with another type',
    'message A { int32 x = 1; }',
    'message A {\n  string x = 1;\n}',
    /^field-type-changed a\.proto:4:10: field 1 of A was int32 x and is string x/,
  ],
  [
    'a list that became single',
    'message A { repeated int32 x = 1; }',
    'message A { int32 x = 1; }',
    /^field-type-changed .*was repeated int32 x and is int32 x/,
  ],
  [
    'a map with other keys',
    'message A { map<string, int32> x = 1; }',
    'message A { map<int32, int32> x = 1; }',
    /^field-type-changed .*map<string, int32>/,
  ],
  [
    'a field that was removed',
    'message A { int32 x = 1; }',
    'message A {}',
    /^field-removed-without-reserved a\.proto:3:9: .*write "reserved 1;"/,
  ],
  [
    'a renamed field',
    'message A { int32 x = 1; }',
    'message A { int32 y = 1; }',
    /^field-renamed .*was called x and is y/,
  ],
  [
    'a field with another number',
    'message A { int32 x = 1; }',
    'message A { int32 x = 2; }',
    /^field-number-changed .*had number 1 and has 2/,
  ],
  [
    'a field that moved into a oneof',
    'message A { int32 x = 1; }',
    'message A { oneof o { int32 x = 1; } }',
    /^field-oneof-changed .*from no oneof to o/,
  ],
  [
    'a message that is gone',
    'message A {}',
    'message B {}',
    /^message-removed a\.proto:3:9: message p\.A is gone or renamed/,
  ],
  ['an enum value that is gone', 'enum E { A = 0; B = 1; }', 'enum E { A = 0; }', /^enum-value-removed .*E\.B \(1\)/],
  [
    'an enum value with another number',
    'enum E { A = 0; B = 1; }',
    'enum E { A = 0; B = 2; }',
    /^enum-value-changed .*was 1 and is 2/,
  ],
  [
    'another type id',
    'option (aep.factory_id) = 1; message A { option (aep.type_id) = 1; }',
    'option (aep.factory_id) = 1; message A { option (aep.type_id) = 2; }',
    /^type-id-changed .*was 1 and is 2/,
  ],
  [
    'another factory id',
    'option (aep.factory_id) = 1; message A { option (aep.type_id) = 1; }',
    'option (aep.factory_id) = 3; message A { option (aep.type_id) = 1; }',
    /^factory-id-changed .*was 1 and is 3/,
  ],
  [
    'a message that became a state root',
    'message A {}',
    'message A { option (aep.state_root) = true; }',
    /^state-root-changed .*became a state root/,
  ],
];

for (const [name, before, after, expected] of cases) {
  test(`${name} is a breaking change (E74)`, () => {
    const changes = compare(before, after);
    assert.equal(changes.length, 1, changes.join('\n'));
    assert.match(changes[0]!, expected);
  });
}

test('a field that was removed and reserved is compatible', () => {
  assert.deepEqual(compare('message A { int32 x = 1; }', 'message A { reserved 1; }'), []);
});
