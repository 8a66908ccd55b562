import { changes } from '@aep/store';
import { ExitCode } from '../exit-code.js';
import type { RecordFilterOptions } from '../options/filter-options.js';
import type { StoreOptions } from '../options/store-options.js';
import { formatQuantity } from '../output/progress.js';
import type { Session } from '../session.js';
import { recordFilter } from '../store/record-filter.js';
import { type RecordJson, RecordTranslator } from '../store/record-json.js';
import { RECORD_COLUMNS, recordLine, recordRow, recordText } from '../store/record-text.js';
import { type SelectedStore, storeAndNumbers, withStore } from '../store/select-store.js';
import { recordUnknown } from '../store/state-at.js';
import { usageError } from '../usage-error.js';

interface ListOptions extends StoreOptions, RecordFilterOptions {
  readonly limit?: number;
  readonly last?: number;
}

const LIST_LIMIT = 50;
/** How many records are looked at before the event loop gets its turn: for interruptions and progress. */
const RECORDS_PER_TURN = 1_000;

/** How far a command has read: records that the filter left out count, so going on looks at none of them twice. */
interface Position {
  next: number;
}

/** A record that passes the filter, with its JSON. */
type Found = RecordJson;

export async function listJournal(
  session: Session,
  [path]: readonly string[],
  options: ListOptions,
): Promise<ExitCode> {
  if (options.last !== undefined && (options.from !== undefined || options.limit !== undefined)) {
    throw usageError('--last counts from the end: give it without --from and --limit');
  }
  return await withStore(session, { path, options }, async (store) => {
    const { output } = session;
    const limit = options.last ?? options.limit ?? LIST_LIMIT;
    const found: Found[] = [];
    let isMore = false;
    for await (const record of matching(session, store, options)) {
      found.push(record);
      if (found.length <= limit) continue;
      isMore = true;
      if (options.last === undefined) break;
      found.shift();
    }
    const shown = options.last === undefined ? found.slice(0, limit) : found;
    if (output.json) output.document(shown);
    else output.table(RECORD_COLUMNS, shown.map(recordRow));
    const { firstTxId, stableTxId } = store.reader.journal;
    if (!output.json) output.note(footer(shown, { firstTxId, stableTxId, isMore }));
    return ExitCode.ok;
  });
}

export async function showRecord(session: Session, args: readonly string[], options: StoreOptions): Promise<ExitCode> {
  const { path, numbers } = storeAndNumbers(args, { least: 1, most: 1, text: 'one txId and at most one store' });
  return await withStore(session, { path, options }, ({ reader, types }) => {
    const txId = numbers[0]!;
    const { journal } = reader;
    if (txId > journal.stableTxId || txId < 1) throw recordUnknown(txId, journal.stableTxId);
    for (const { bytes } of journal.read(txId)) {
      const record = new RecordTranslator(types).translate(bytes);
      if (session.output.json) session.output.document(record);
      else session.output.line(recordText(record));
      break;
    }
    return ExitCode.ok;
  });
}

export async function followJournal(
  session: Session,
  [path]: readonly string[],
  options: ListOptions,
): Promise<ExitCode> {
  return await withStore(session, { path, options }, async ({ reader, types }) => {
    const { io, output } = session;
    const isWanted = recordFilter(options, types);
    const translator = new RecordTranslator(types);
    const from = options.from ?? reader.journal.stableTxId + 1;
    const ends = { to: options.to ?? Infinity, limit: options.limit ?? Infinity };
    const refresh = (): void => reader.refresh();
    let count = 0;
    let next = from;
    if (!output.json) output.note(`following ${reader.identity.engineName} from record ${from}; interrupt to end`);
    for await (const { txId, bytes } of changes(reader.journal, {
      from,
      clock: io.clock,
      refresh,
      signal: io.interrupted,
    })) {
      if (txId > ends.to) break;
      const record = translator.translate(bytes);
      const isPrinted = isWanted(record);
      if (isPrinted) await print(session, record);
      next = txId + 1;
      if ((isPrinted && ++count >= ends.limit) || txId === ends.to) break;
    }
    output.note(resumeNote(next));
    return ExitCode.ok;
  });
}

export async function exportJournal(
  session: Session,
  [path]: readonly string[],
  options: ListOptions,
): Promise<ExitCode> {
  return await withStore(session, { path, options }, async (store) => {
    const position: Position = { next: options.from ?? store.reader.journal.firstTxId };
    let count = 0;
    for await (const record of matching(session, store, options, position)) {
      await session.output.jsonLine(record);
      if (++count >= (options.limit ?? Infinity)) break;
    }
    // Of a pipe that has broken nobody knows here what was read from it: only the reader can say where to go on.
    const end = session.io.interrupted.aborted ? ', then the reader was gone' : `; ${resumeNote(position.next)}`;
    session.output.note(`${formatQuantity(count, 'record')} exported${end}`);
    return ExitCode.ok;
  });
}

/** The stable records of a range that pass the filter. */
async function* matching(
  session: Session,
  store: SelectedStore,
  options: ListOptions,
  position: Position = { next: 0 },
): AsyncIterableIterator<Found> {
  const { journal } = store.reader;
  const isWanted = recordFilter(options, store.types);
  const translator = new RecordTranslator(store.types);
  const to = Math.min(options.to ?? Infinity, journal.stableTxId);
  const from = options.from ?? firstOf(journal, options);
  if (from > to) return;
  const progress = session.output.progress('reading');
  try {
    for (const { txId, bytes } of journal.read(from)) {
      if (txId > to || session.io.interrupted.aborted) return;
      const record = translator.translate(bytes);
      position.next = txId + 1;
      if (isWanted(record)) yield record;
      if (txId % RECORDS_PER_TURN !== 0) continue;
      progress.update(txId - from + 1, to - from + 1);
      await nextTurn(session);
    }
  } finally {
    progress.end();
  }
}

/** Without a filter the newest records can be gone to at once. */
function firstOf({ firstTxId, stableTxId }: SelectedStore['reader']['journal'], options: ListOptions): number {
  const { last, type, channel, where, collection, key, to } = options;
  const isFiltered = [type, channel, where, collection, key].some((each) => each !== undefined);
  if (last === undefined || isFiltered) return firstTxId;
  return Math.max(firstTxId, Math.min(to ?? Infinity, stableTxId) - last + 1);
}

async function print({ output }: Session, record: RecordJson): Promise<void> {
  if (output.json) await output.jsonLine(record);
  else output.line(recordLine(record));
}

function footer(shown: readonly Found[], journal: { firstTxId: number; stableTxId: number; isMore: boolean }): string {
  const { firstTxId, stableTxId, isMore } = journal;
  if (stableTxId === 0) return 'the journal is empty';
  const range = `the journal holds records ${firstTxId} to ${stableTxId}`;
  const last = shown.at(-1);
  const next = isMore && last !== undefined ? `; go on with --from ${last.txId + 1}` : '';
  return `${formatQuantity(shown.length, 'record')} shown; ${range}${next}`;
}

/** Where another run goes on without a gap and without a repeat (E103). */
function resumeNote(next: number): string {
  return `go on with --from ${next}`;
}

function nextTurn({ io }: Session): Promise<void> {
  return new Promise((resolve) => io.clock.defer(resolve));
}
