import type { Clock } from '@aep/kernel';
import type { JournalReader, StoredRecord } from './journal.js';

export interface ChangesOptions {
  /** The first record wanted: one after the saved position. Give `stableTxId + 1` for new ones only. */
  readonly from: number;
  readonly clock: Clock;
  /** How often to look for new records when all have been read. @default 50 ms */
  readonly pollMs?: number;
  /** Looks again what another process has written: `refresh` of a reader store. */
  readonly refresh?: () => void;
  /** Ends the iteration, also while it waits. */
  readonly signal?: AbortSignal;
  /** End when all stable records have been read, instead of waiting for more. @default false */
  readonly untilEnd?: boolean;
}

/**
 * The stable records of a journal from a position on, then the new ones as they come (E103). Resumable: save the txId
 * of what has been dealt with, and begin one after it; each record comes once per position, in order.
 *
 * The clock's timers do not keep a process alive: a program that only follows must stay alive by other means.
 *
 * @throws AEP_JOURNAL_TRIMMED when the position has been trimmed (register the reader: {@link ReaderRegistry}),
 * AEP_RECORD_CORRUPT naming the record
 *
 * @example for await (const { txId, bytes } of changes(store.journal, { from: saved + 1, clock })) { … }
 */
export async function* changes(journal: JournalReader, options: ChangesOptions): AsyncIterableIterator<StoredRecord> {
  const { clock, pollMs = 50, refresh, signal, untilEnd = false } = options;
  let next = options.from;
  for (;;) {
    refresh?.();
    if (next <= journal.stableTxId) {
      for (const record of journal.read(next)) {
        if (signal?.aborted === true) return;
        yield record;
        next = record.txId + 1;
      }
    }
    if (signal?.aborted === true || untilEnd) return;
    await pause(clock, pollMs, signal);
  }
}

function pause(clock: Clock, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      signal?.removeEventListener('abort', end);
      clock.cancel(timer);
      resolve();
    };
    const timer = clock.schedule(delayMs, end);
    signal?.addEventListener('abort', end);
  });
}
