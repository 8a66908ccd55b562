import type { MemoryStore } from '@aep/store';
import { type EngineImage, engineImage, type RawEngine } from './engine-image.js';

/** What a simulated disk holds at this moment: the bytes, taken from it without the store's help. */
export function readMemory({ disk }: MemoryStore, engine: string): EngineImage {
  return engineImage({
    engine,
    incarnation: disk.identity?.incarnation ?? 0,
    runs: disk.runs.map(({ bytes, start, end }) => bytes.subarray(start, end)),
    confirmedTxId: disk.confirmedTxId,
    appliedTxId: disk.appliedTxId,
    entries: entriesOf(disk),
  });
}

function* entriesOf({ tables }: MemoryStore['disk']): RawEngine['entries'] & Generator {
  for (const [tableId, table] of tables) for (const { key, value } of table.range()) yield { tableId, key, value };
}
