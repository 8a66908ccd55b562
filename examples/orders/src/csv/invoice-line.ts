import { AepError, didYouMean } from '@aep/kernel';
import { parseMicros } from './decimal.js';

/** One line of an invoice as the input has it. */
export interface InvoiceLine {
  readonly invoiceNo: string;
  readonly stockCode: string;
  /** May be empty. */
  readonly description: string;
  /** Negative for cancellations and corrections. */
  readonly quantity: number;
  readonly invoiceDate: string;
  /** Millionths of a pound; may be 0 or negative. */
  readonly unitPriceMicros: number;
  /** Empty when the customer is not known. */
  readonly customerId: string;
  readonly country: string;
}

const COLUMNS = [
  'InvoiceNo',
  'StockCode',
  'Description',
  'Quantity',
  'InvoiceDate',
  'UnitPrice',
  'CustomerID',
  'Country',
] as const;
type Column = (typeof COLUMNS)[number];

/** A larger product of quantity and price would not fit into the sums; no shop has sold such a line (a billion pounds). */
const AMOUNT_MICROS_MAX = 10n ** 15n;
const QUANTITY_MAX = 2 ** 31 - 1;
const TEXT_LENGTH_MAX = 1_000;

/** Reads records by the names of the header, so that further columns and another order do no harm. */
export class InvoiceLineReader {
  private readonly indexes: Readonly<Record<Column, number>>;
  /** Fields of a record. */
  readonly width: number;

  /** @throws AEP_ORDERS_HEADER when a column is missing */
  constructor(header: readonly string[], file: string) {
    const names = header.map((name) => name.trim());
    const missing = COLUMNS.filter((column) => indexOfColumn(names, column) < 0);
    if (missing.length > 0) {
      const hint = hasZeroBytes(header)
        ? ': it holds zero bytes, as UTF-16 does; save it as UTF-8'
        : didYouMean(missing[0] ?? '', names);
      throw new AepError(
        'AEP_ORDERS_HEADER',
        'reject',
        `${file}: line 1 must name the columns ${COLUMNS.join(',')}; missing: ${missing.join(', ')}${hint}`,
        { file, missing: missing.join(',') },
      );
    }
    this.width = names.length;
    this.indexes = Object.fromEntries(COLUMNS.map((column) => [column, indexOfColumn(names, column)])) as Record<
      Column,
      number
    >;
  }

  /** The invoice line, or the reason why the fields are not one. */
  read(fields: readonly string[]): InvoiceLine | string {
    if (fields.length !== this.width) return `expected ${this.width} fields, got ${fields.length}`;
    const at = (column: Column): string => (fields[this.indexes[column]] ?? '').trim();
    const line = {
      invoiceNo: at('InvoiceNo'),
      stockCode: at('StockCode'),
      description: at('Description'),
      quantity: parseQuantity(at('Quantity')),
      invoiceDate: at('InvoiceDate'),
      unitPriceMicros: parseMicros(at('UnitPrice')),
      customerId: at('CustomerID'),
      country: at('Country'),
    };
    const { quantity, unitPriceMicros } = line;
    if (line.invoiceNo === '') return 'InvoiceNo is empty';
    if (line.stockCode === '') return 'StockCode is empty';
    if (quantity === undefined) return `Quantity: expected a whole number of 32 bits, got ${quote(at('Quantity'))}`;
    if (!isDate(line.invoiceDate))
      return `InvoiceDate: expected month/day/year hour:minute, got ${quote(line.invoiceDate)}`;
    if (unitPriceMicros === undefined) {
      return `UnitPrice: expected a decimal with at most 6 decimals, got ${quote(at('UnitPrice'))}`;
    }
    if (line.country === '') return 'Country is empty';
    const tooLong = COLUMNS.find((column) => at(column).length > TEXT_LENGTH_MAX);
    if (tooLong !== undefined) return `${tooLong}: longer than ${TEXT_LENGTH_MAX} characters`;
    const amount = BigInt(quantity) * BigInt(unitPriceMicros);
    if (amount > AMOUNT_MICROS_MAX || amount < -AMOUNT_MICROS_MAX)
      return 'Quantity × UnitPrice is more than a billion pounds';
    return { ...line, quantity, unitPriceMicros };
  }
}

function parseQuantity(text: string): number | undefined {
  if (!/^[+-]?\d{1,20}$/.test(text)) return undefined;
  const quantity = Number(text);
  // `-0` is 0: nothing was taken back.
  return Math.abs(quantity) <= QUANTITY_MAX ? quantity + 0 : undefined;
}

/** The export writes `12/1/10 8:26`; later ones write four-digit years, seconds, or the year first. */
function isDate(text: string): boolean {
  const match =
    /^(\d{1,2})\/(\d{1,2})\/(?:\d{2}|\d{4})(?: +(.*))?$/.exec(text) ??
    /^\d{4}-(\d{2})-(\d{2})(?:[ T]+(.*))?$/.exec(text);
  if (match === null) return false;
  const [, month, day, time = '0:00'] = match;
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(time);
  if (clock === null) return false;
  const isInRange = (value: string | undefined, least: number, most: number): boolean =>
    Number(value) >= least && Number(value) <= most;
  return isInRange(month, 1, 12) && isInRange(day, 1, 31) && isInRange(clock[1], 0, 23) && isInRange(clock[2], 0, 59);
}

/** Every other byte of Latin text in UTF-16 is 0; spreadsheets call that "Unicode text". */
function hasZeroBytes(header: readonly string[]): boolean {
  return header.some((name) => name.includes('\0'));
}

/** Letters' case and spaces in a column's name do not matter: `Customer ID` is CustomerID. */
function indexOfColumn(names: readonly string[], column: Column): number {
  return names.findIndex((name) => name.replaceAll(/[\s_]/g, '').toLowerCase() === column.toLowerCase());
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}
