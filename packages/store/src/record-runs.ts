import { AepError } from '@aep/kernel';
import type { RecordRun, StoredRecord } from './journal.js';
import { RecordReader } from './record-reader.js';
import { HEADER_BYTES } from './record-layout.js';

/** The records of runs, each checked: for implementations of {@link JournalReader.read}. */
export function* recordsOf(runs: Iterable<RecordRun>, fromTxId: number): IterableIterator<StoredRecord> {
  const reader = new RecordReader();
  let txId = fromTxId;
  for (const run of runs) {
    for (let at = run.start; at < run.end; txId++) {
      const end = reader.open(run.bytes, at, run.end);
      if (reader.txId !== txId) throw misplaced(txId, reader.txId);
      yield { txId, bytes: run.bytes.subarray(at, end) };
      at = end;
    }
  }
}

/** Where in a run the record `txId` begins. The lengths on the way are trusted only to stay inside the run. */
export function offsetInRun(run: RecordRun, txId: number): number {
  const view = new DataView(run.bytes.buffer, run.bytes.byteOffset);
  let at = run.start;
  for (let skip = run.firstTxId; skip < txId; skip++) {
    const length = run.end - at < HEADER_BYTES ? 0 : view.getUint32(at, true);
    if (length < HEADER_BYTES || length > run.end - at) throw unreadable(skip, length);
    at += length;
  }
  return at;
}

function unreadable(txId: number, length: number): AepError {
  return new AepError(
    'AEP_RECORD_CORRUPT',
    'fatal',
    `record ${txId} cannot be passed over: its length says ${length} bytes`,
    {
      txId,
      length,
    },
  );
}

/** A readable record in the wrong place: as bad as an unreadable one. */
function misplaced(expected: number, found: number): AepError {
  return new AepError(
    'AEP_RECORD_CORRUPT',
    'fatal',
    `where record ${expected} should be, the journal holds record ${found}`,
    {
      txId: expected,
      found,
    },
  );
}

/** For implementations of {@link Journal.readRuns}. */
export function trimmedError(fromTxId: number, firstTxId: number): AepError {
  return new AepError(
    'AEP_JOURNAL_TRIMMED',
    'reject',
    `record ${fromTxId} is no longer in the journal, which begins at ${firstTxId}: read from there, or raise journalRetention`,
    { fromTxId, firstTxId },
  );
}
