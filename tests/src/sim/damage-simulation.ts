import { LocalCause, MemoryDisk, MemoryStore, RecordKind, recover, RecordWriter } from '@aep/store';
import { SeededRandom, VirtualClock } from '@aep/kernel';
import type { Violation } from '../checker/invariants.js';

const RECORDS = 30;

/**
 * A store whose tables lag behind is damaged while it is closed: a bit of a record flips, or a commit in the middle is
 * gone. Reading it must be refused (FailStop): answers a violation when it is served as if nothing were wrong.
 */
export async function simulateDamage(seed: number): Promise<Violation[]> {
  const random = new SeededRandom(seed);
  const violations: Violation[] = [];
  for (const damage of ['a flipped bit', 'a missing commit'] as const) {
    const disk = writtenDisk();
    const txId = 2 + random.below(RECORDS - 3);
    if (damage === 'a flipped bit') disk.flipBit(txId, 48 + random.below(20), random.below(8));
    else disk.runs.splice(disk.runIndex(txId), 1);
    if (await isServed(disk)) {
      const detail = `${damage} at record ${txId} was not noticed by a start`;
      violations.push({ invariant: 'FailStop', engine: 'store', detail });
    }
  }
  return violations;
}

function writtenDisk(): MemoryDisk {
  const clock = new VirtualClock();
  const { journal, disk } = new MemoryStore({ clock });
  const writer = new RecordWriter();
  for (let txId = 1; txId <= RECORDS; txId++) {
    writer.begin(RecordKind.transaction, 1, txId, clock.wallMs());
    writer.localCause(LocalCause.command, 'write');
    writer.putBytes(1, Buffer.from(`key ${txId % 7}`), Buffer.from(`a value of record ${txId}`));
    writer.seal(journal.lastHash);
    journal.append(writer.bytes, writer.length);
    journal.commit();
    clock.advance(1);
  }
  return disk;
}

async function isServed(disk: MemoryDisk): Promise<boolean> {
  const clock = new VirtualClock();
  try {
    const store = new MemoryStore({ clock, disk });
    const recovered = recover(store, { clock });
    // Awaited below, when the clock has moved.
    recovered.catch(() => undefined);
    for (let turn = 0; turn < 20; turn++) {
      clock.settle();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await recovered;
    return true;
  } catch {
    return false;
  }
}
