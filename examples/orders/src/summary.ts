import { formatPence } from './csv/decimal.js';
import type { GatewayJournal, LedgerBook, OrderBook } from './gen/orders.js';

/** The result of a run, read from the durable state of the three apps. Amounts are millionths of a pound. */
export interface Summary {
  readonly lines: number;
  /** Distinct invoice numbers. */
  readonly orders: number;
  readonly cancelledLines: number;
  /** Distinct non-empty customer ids. */
  readonly customers: number;
  /** Order events sent. */
  readonly events: number;
  readonly byCountry: ReadonlyMap<string, CountrySummary>;
  /** What the ledger received. */
  readonly ledger: { readonly lines: number; readonly quantity: number; readonly amountMicros: bigint };
  readonly rejected: number;
}

export interface CountrySummary {
  readonly lines: number;
  readonly orders: number;
  readonly quantity: number;
  readonly amountMicros: bigint;
}

/** The order processor's part. Copies: entities end with the look at the state. */
export function summariseOrders(
  book: OrderBook,
): Pick<Summary, 'lines' | 'orders' | 'cancelledLines' | 'customers' | 'events' | 'byCountry'> {
  const byCountry = new Map<string, CountrySummary>();
  for (const [name, { lines, orders, quantity, amountMicros }] of book.countries.range()) {
    byCountry.set(name, { lines, orders, quantity, amountMicros });
  }
  const { lines, cancelledLines, events } = book;
  return { lines, orders: book.orders.size, cancelledLines, customers: book.customers.size, events, byCountry };
}

export function summariseLedger({ lines, quantity, amountMicros }: LedgerBook): Summary['ledger'] {
  return { lines, quantity, amountMicros };
}

/** The kept reasons, by line number. */
export function rejectedLines(journal: GatewayJournal): { readonly line: number; readonly reason: string }[] {
  return [...journal.firstRejected.range()].map(([line, { reason }]) => ({ line: Number(line), reason }));
}

/**
 * The summary as one line of JSON. Amounts are exact pence: JSON.stringify would go through floating point, so the text is
 * put together here.
 */
export function toJson(summary: Summary): string {
  const countries = [...summary.byCountry].map(([name, { lines, orders, quantity, amountMicros }]) => {
    return `${JSON.stringify(name)}:{"lines":${lines},"orders":${orders},"quantity":${quantity},"amountPence":${formatPence(amountMicros)}}`;
  });
  const { ledger } = summary;
  return [
    `{"lines":${summary.lines},"orders":${summary.orders},"cancelledLines":${summary.cancelledLines}`,
    `"customers":${summary.customers},"events":${summary.events},"byCountry":{${countries.join(',')}}`,
    `"ledger":{"lines":${ledger.lines},"quantity":${ledger.quantity},"amountPence":${formatPence(ledger.amountMicros)}}`,
    `"rejected":${summary.rejected}}`,
  ].join(',');
}

/** The summary for people. */
export function toTable(summary: Summary): string {
  const header = ['Country', 'Lines', 'Orders', 'Quantity', 'Pounds'];
  const byLines = [...summary.byCountry].toSorted(([, a], [, b]) => b.lines - a.lines);
  const rows = byLines.map(([name, country]) => [
    name,
    ...[country.lines, country.orders, country.quantity].map((count) => formatCount(count)),
    formatPounds(country.amountMicros),
  ]);
  const { ledger } = summary;
  return [
    ...alignColumns([header, ...rows]),
    '',
    `${formatCount(summary.lines)} lines of ${formatCount(summary.orders)} orders by ${formatCount(summary.customers)} known customers`,
    `${formatCount(summary.cancelledLines)} lines cancelled, ${formatCount(summary.rejected)} lines rejected`,
    `ledger: ${formatCount(ledger.lines)} of ${formatCount(summary.events)} events, quantity ${formatCount(ledger.quantity)}, ${formatPounds(ledger.amountMicros)} pounds`,
  ].join('\n');
}

/** Names to the left, numbers to the right. */
function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

export function formatCount(count: number): string {
  return count.toLocaleString('en-GB');
}

/** To the penny; a summary for people rounds fractions of one towards zero. */
function formatPounds(amountMicros: bigint): string {
  const pence = amountMicros / 10_000n;
  const size = pence < 0n ? -pence : pence;
  const pounds = `${(size / 100n).toLocaleString('en-GB')}.${String(size % 100n).padStart(2, '0')}`;
  return pence < 0n ? `-${pounds}` : pounds;
}
