import { AepError } from '@aep/kernel';
import { parseRecord } from './csv-record.js';
import { type InvoiceLine, InvoiceLineReader } from './invoice-line.js';
import { LINE_BYTES_MAX, LineSplitter, type PhysicalLine } from './line-splitter.js';

/** What a line of the input turned out to be. `line` is its number, the header being line 1. */
export type CsvEntry =
  | { readonly kind: 'line'; readonly line: number; readonly value: InvoiceLine }
  | { readonly kind: 'rejected'; readonly line: number; readonly reason: string };

/** A quoted field that is not closed after so many lines was not meant to be one. */
const RECORD_LINES_MAX = 20;

/**
 * Reads a CSV of invoice lines from a stream of bytes, in bounded memory. A malformed line costs itself only: when a quote
 * is never closed, or its field ends in nonsense, that one line is rejected and reading goes on with the next.
 * Empty lines are passed over. Line numbers rise strictly; a record of several lines has the number of its first.
 *
 * @param name what to call the input in messages
 * @throws AEP_ORDERS_HEADER when the input is empty or its first line does not name the columns
 */
export async function* readInvoiceCsv(chunks: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<CsvEntry> {
  const splitter = new LineSplitter();
  const records = new RecordAssembler(name);
  for await (const chunk of chunks) {
    const lines = splitter.push(chunk);
    // Without a new line nothing can be complete that was not before, and a record that waits is not parsed again.
    if (lines.length === 0) continue;
    for (const line of lines) records.push(line);
    yield* records.take(false);
  }
  for (const line of splitter.end()) records.push(line);
  yield* records.take(true);
}

/** Joins lines to records, and takes them apart again when that was a mistake. */
class RecordAssembler {
  private waiting: PhysicalLine[] = [];
  private next = 0;
  private reader: InvoiceLineReader | undefined;

  constructor(private readonly name: string) {}

  push(line: PhysicalLine): void {
    this.waiting.push(line);
  }

  /** All entries that are complete; at the end of the input, all. */
  *take(isEnd: boolean): Generator<CsvEntry> {
    while (this.next < this.waiting.length) {
      const entry = this.takeOne(isEnd);
      if (entry === 'more') break;
      if (entry !== 'none') yield entry;
    }
    this.waiting = this.waiting.slice(this.next);
    this.next = 0;
    if (isEnd && this.reader === undefined) throw headerMissing(this.name, 'it is empty');
  }

  private takeOne(isEnd: boolean): CsvEntry | 'none' | 'more' {
    const first = this.waiting[this.next];
    if (first?.text === undefined) return this.reject(`longer than ${LINE_BYTES_MAX} bytes`);
    if (first.text.trim() === '') return this.advance(1, 'none');
    const limit = Math.min(this.waiting.length, this.next + RECORD_LINES_MAX);
    let text = first.text;
    for (let end = this.next + 1; ; end++) {
      const record = parseRecord(text);
      if (record.kind === 'fields') return this.takeFields(record.fields, end - this.next);
      if (record.kind === 'malformed') return this.reject(record.reason);
      const further = end < limit ? this.waiting[end]?.text : undefined;
      if (further === undefined || text.length + further.length > LINE_BYTES_MAX) {
        const mayComeYet = !isEnd && end >= this.waiting.length && end - this.next < RECORD_LINES_MAX;
        return mayComeYet ? 'more' : this.reject('a quoted field is not closed');
      }
      text += `\n${further}`;
    }
  }

  private takeFields(fields: readonly string[], lines: number): CsvEntry | 'none' {
    if (this.reader === undefined) {
      this.reader = new InvoiceLineReader(fields, this.name);
      return this.advance(lines, 'none');
    }
    const value = this.reader.read(fields);
    if (typeof value !== 'string') return this.advance(lines, { kind: 'line', line: this.number, value });
    // With a wrong number of fields a stray quote swallowed the lines behind it: only the line with the quote is at fault.
    return this.reject(value, fields.length === this.reader.width ? lines : 1);
  }

  private reject(reason: string, lines = 1): CsvEntry {
    if (this.reader === undefined) throw headerMissing(this.name, `line ${this.number}: ${reason}`);
    return this.advance(lines, { kind: 'rejected', line: this.number, reason });
  }

  private advance<T>(lines: number, entry: T): T {
    this.next += lines;
    return entry;
  }

  private get number(): number {
    return this.waiting[this.next]?.number ?? 0;
  }
}

function headerMissing(file: string, why: string): AepError {
  return new AepError(
    'AEP_ORDERS_HEADER',
    'reject',
    `${file}: the header line with the columns' names is missing: ${why}`,
    { file },
  );
}
