import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ChangeMap, foldRecord, LocalCause, NO_HASH, RecordKind, RecordReader, RecordWriter } from '@aep/store';
import fc from 'fast-check';

/** Keys that agree in long stretches, are prefixes of one another, and hold the lowest and the highest byte. */
const key = fc
  .array(fc.constantFrom('', 'a', 'account-', '\0', '\u00ff', '0', '9', '99999999'), { minLength: 1, maxLength: 6 })
  .map((parts) => Buffer.from(parts.join(''), 'latin1'));

describe('the changes of a checkpoint', () => {
  void it('come in order of table, then of key bytes, whatever the keys have in common', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(0, 7, 0xffff), key), { maxLength: 400 }), (puts) => {
        const found = [...fold(puts)].map(({ tableId, key: bytes }) => [tableId, Buffer.from(bytes)] as const);
        const sorted = [...found].sort(
          ([table, bytes], [otherTable, otherBytes]) => table - otherTable || Buffer.compare(bytes, otherBytes),
        );
        assert.deepEqual(found, sorted);
        const visited: [number, Buffer][] = [];
        fold(puts).forEach(({ tableId, keyBytes, keyStart, keyEnd }) =>
          visited.push([tableId, Buffer.from(keyBytes.subarray(keyStart, keyEnd))]),
        );
        assert.deepEqual(visited, found);
      }),
      { numRuns: 200 },
    );
  });

  void it('are forgotten by clear, and nothing of them comes back', () => {
    const changes = fold([
      [1, Buffer.from('a')],
      [1, Buffer.from('b')],
    ]);
    changes.clear();
    assert.deepEqual([...changes], []);
    foldInto(changes, [[1, Buffer.from('b')]]);
    assert.deepEqual(
      [...changes].map(({ key: bytes }) => Buffer.from(bytes).toString()),
      ['b'],
    );
  });
});

function fold(puts: readonly (readonly [tableId: number, key: Uint8Array])[]): ChangeMap {
  const changes = new ChangeMap();
  foldInto(changes, puts);
  return changes;
}

function foldInto(changes: ChangeMap, puts: readonly (readonly [tableId: number, key: Uint8Array])[]): void {
  const writer = new RecordWriter(256);
  writer.begin(RecordKind.transaction, 1, 1, 0);
  writer.localCause(LocalCause.injected, 'test');
  for (const [tableId, bytes] of puts) writer.putBytes(tableId, bytes, Buffer.from('value'));
  writer.seal(NO_HASH);
  const reader = new RecordReader();
  reader.open(writer.bytes.slice(0, writer.length));
  foldRecord(reader, changes);
}
