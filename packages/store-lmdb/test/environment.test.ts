import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentSettings } from '@aep/store-lmdb/internal';

const OPTIONS = { path: '/store', mapSizeBytes: 2 ** 20, readOnly: false, noSync: false };

test('a store is opened so that a commit that is reported is on the disk (S1, S2)', () => {
  const { overlappingSync, useWritemap, noSync } = environmentSettings('/store/journal', OPTIONS);
  assert.deepEqual(
    { overlappingSync, useWritemap, noSync },
    { overlappingSync: false, useWritemap: false, noSync: false },
  );
});

test('writes are never collected by the turn, whose failure nobody could handle (S9)', () => {
  const { eventTurnBatching, commitDelay } = environmentSettings('/store/journal', OPTIONS);
  assert.deepEqual([eventTurnBatching, commitDelay], [false, undefined], 'the two together would never resolve');
});
