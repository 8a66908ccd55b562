import { AepError } from '@aep/kernel';
import { Table, type TableReader } from './tables.js';

/**
 * Who reads the journal behind the engine (E103) and how far each has got: the journal is not trimmed past the slowest
 * (E104). Positions are durable entries of the facts table; the engine writes them in transactions, with
 * {@link readerFactKey} and {@link readerFactValue}, and tells this registry when such a transaction is stable.
 */
export class ReaderRegistry {
  private readonly positions = new Map<string, number>();

  /** The registry as the tables have it. */
  static load(tables: TableReader): ReaderRegistry {
    const registry = new ReaderRegistry();
    for (const { key, value } of tables.range(Table.facts, { gte: PREFIX, lt: PREFIX_END })) {
      const position = readPosition(value);
      if (position !== undefined) registry.positions.set(Buffer.from(key).toString('utf8', PREFIX.length), position);
    }
    return registry;
  }

  /** Everything up to `txId` is done with by this reader; a new name is a new reader. Positions never go back. */
  saved(name: string, txId: number): void {
    checkReaderName(name);
    this.positions.set(name, Math.max(txId, this.positions.get(name) ?? 0));
  }

  /** The reader is gone for good and holds nothing back any more. */
  removed(name: string): void {
    this.positions.delete(name);
  }

  position(name: string): number | undefined {
    return this.positions.get(name);
  }

  /** The position of the slowest; Infinity when there is no reader. */
  get lowest(): number {
    let lowest = Infinity;
    for (const position of this.positions.values()) lowest = Math.min(lowest, position);
    return lowest;
  }

  entries(): IterableIterator<[name: string, position: number]> {
    return this.positions.entries();
  }
}

/** Key in the facts table. @throws AEP_READER_NAME */
export function readerFactKey(name: string): Uint8Array {
  checkReaderName(name);
  return Buffer.concat([PREFIX, Buffer.from(name, 'utf8')]);
}

/** Value in the facts table: f64 txId up to which the reader has read. */
export function readerFactValue(txId: number): Uint8Array {
  const value = new Uint8Array(8);
  new DataView(value.buffer).setFloat64(0, txId, true);
  return value;
}

const PREFIX = Buffer.from('reader/');
const PREFIX_END = Buffer.from('reader0'); // '0' follows '/'
const NAME_LENGTH_MAX = 200;

function readPosition(value: Uint8Array): number | undefined {
  if (value.length !== 8) return undefined;
  const position = new DataView(value.buffer, value.byteOffset).getFloat64(0, true);
  return Number.isSafeInteger(position) && position >= 0 ? position : undefined;
}

function checkReaderName(name: string): void {
  if (name.length > 0 && name.length <= NAME_LENGTH_MAX) return;
  throw new AepError(
    'AEP_READER_NAME',
    'reject',
    `a journal reader's name has 1..${NAME_LENGTH_MAX} characters, got ${name.length}`,
    {
      length: name.length,
    },
  );
}
