import type { RecordRun } from '@aep/store';
import { RecordReader } from '@aep/store';
import { type JournalPosition, NO_BASE, offsetInRun, positionAtBase, trimmedError } from '@aep/store/internal';
import type { Environments } from './environment.js';
import { MetaName, readBase, readNumber } from './store-meta.js';

/** The reading half of the journal in LMDB: used by the writer and by readers in other processes. */
export class LmdbRuns {
  constructor(private readonly environments: Environments) {}

  /** txId of the oldest record; undefined when there is none. */
  firstTxId(): number | undefined {
    for (const key of this.environments.runs.getKeys({ limit: 1 })) return txIdOf(key);
    return undefined;
  }

  /** First txIds of the oldest runs, at most `limit` of them. */
  oldest(limit: number): number[] {
    const txIds: number[] = [];
    for (const key of this.environments.runs.getKeys({ limit })) txIds.push(txIdOf(key));
    return txIds;
  }

  /** First txIds of all runs that begin after this one. */
  after(firstTxId: number): number[] {
    const txIds: number[] = [];
    for (const key of this.environments.runs.getKeys({ start: txKey(firstTxId + 1) })) txIds.push(txIdOf(key));
    return txIds;
  }

  /** The run that holds `txId`, or would if it were there: the last that begins at or before it. */
  runAt(txId: number): RecordRun | undefined {
    for (const { key, value } of this.environments.runs.getRange({ start: txKey(txId), reverse: true, limit: 1 })) {
      return { firstTxId: txIdOf(key), bytes: value, start: 0, end: value.length };
    }
    return undefined;
  }

  /** The run after the one that begins at `firstTxId`. */
  private runAfter(firstTxId: number): RecordRun | undefined {
    for (const { key, value } of this.environments.runs.getRange({ start: txKey(firstTxId + 1), limit: 1 })) {
      return { firstTxId: txIdOf(key), bytes: value, start: 0, end: value.length };
    }
    return undefined;
  }

  /** @throws AEP_JOURNAL_TRIMMED, AEP_RECORD_CORRUPT */
  *read(fromTxId: number, lastTxId: () => number): IterableIterator<RecordRun> {
    if (fromTxId > lastTxId()) return;
    let run = this.runAt(fromTxId);
    if (run === undefined) throw trimmedError(fromTxId, this.firstTxId() ?? lastTxId() + 1);
    let from = fromTxId;
    while (run !== undefined && run.firstTxId <= lastTxId()) {
      yield { firstTxId: from, bytes: run.bytes, start: offsetInRun(run, from), end: run.end };
      const next = this.runAfter(run.firstTxId);
      if (next !== undefined && run.firstTxId < (this.firstTxId() ?? 0)) throw trimmedError(from, next.firstTxId);
      run = next;
      if (run !== undefined) from = run.firstTxId;
    }
  }

  /** Reads the newest run and checks every record of it. @throws AEP_RECORD_CORRUPT */
  position(): JournalPosition {
    const confirmedTxId = readNumber(this.environments.journalMeta, MetaName.confirmedTxId) ?? 0;
    const base = readBase(this.environments.journalMeta) ?? NO_BASE;
    const run = this.runAt(Number.MAX_SAFE_INTEGER);
    if (run === undefined) return positionAtBase(base, confirmedTxId);
    const reader = new RecordReader();
    for (let at = run.start; at < run.end;) at = reader.open(run.bytes, at, run.end);
    return {
      firstTxId: this.firstTxId() ?? run.firstTxId,
      lastTxId: reader.txId,
      lastHash: { low: reader.hash.low, high: reader.hash.high },
      lastEpoch: reader.epoch,
      confirmedTxId: Math.max(confirmedTxId, base.confirmedTxId),
      base,
    };
  }
}

export function txKey(txId: number): Buffer {
  const key = Buffer.allocUnsafe(8);
  key.writeUInt32BE(Math.floor(txId / 0x1_0000_0000), 0);
  key.writeUInt32BE(txId >>> 0, 4);
  return key;
}

export function txIdOf(key: Uint8Array): number {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  return view.getUint32(0) * 0x1_0000_0000 + view.getUint32(4);
}
