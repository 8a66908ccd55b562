import { type Journal, RecordReader } from '@aep/store';

/**
 * An epoch that the record before the first one kept may have had: what later records must not fall below. That record is gone,
 * so it is that of the first one kept, which is not lower and not higher than any that follows.
 */
export function epochOfRecordBefore(journal: Journal, firstTxId: number): number {
  if (firstTxId === 1) return 0;
  if (journal.lastTxId < firstTxId) return journal.base.epoch;
  const reader = new RecordReader();
  for (const run of journal.readRuns(firstTxId)) {
    reader.open(run.bytes, run.start, run.end);
    return reader.epoch;
  }
  return journal.base.epoch;
}
