import { AepError } from '@aep/kernel';
import { KEY_BYTES_MAX, type RangeBytes, type TableEntry } from '@aep/store';
import type { EntityTable } from './entity-table.js';
import type { Entry } from './entry.js';
import type { StateKey } from './key-codec.js';

/** Bounds of a scan in key order. At most one lower and one upper bound. */
export interface KeyRange<K extends StateKey = StateKey> {
  readonly gte?: K;
  readonly gt?: K;
  readonly lte?: K;
  readonly lt?: K;
  /** Largest key first. @default false */
  readonly reverse?: boolean;
  /** Most entries to answer. @default no limit */
  readonly limit?: number;
}

/**
 * Walks the present keys of a table in order: the durable range, merged with the created entries that it may lack, less
 * the deleted ones; lazily, one entry of lookahead. It sees what the transaction did before each step: an entry created
 * ahead of the walk is met, one deleted ahead is not, and what changes behind it makes no difference.
 *
 * The durable part is read through an iterator that holds a read snapshot. When a checkpoint was taken since (an async handler
 * waited in the loop), the iterator is opened again behind the last key.
 */
export class MergedRange {
  /** The key that the walk stands at. */
  key: StateKey = 0;
  private readonly bounds: WalkBounds;
  private readonly period: number;
  private lastKey: StateKey | undefined = undefined;
  private stepsLeft: number;
  private isDone = false;
  private isExpired = false;

  private durable: Iterator<TableEntry> | undefined = undefined;
  private durableOpenedAt = -1;
  private aheadKey: StateKey | undefined = undefined;
  private aheadBytes: Uint8Array | undefined = undefined;
  /** Bytes of the entry that the walk stands at, when it came from the durable table only. */
  private bytes: Uint8Array | undefined = undefined;

  /** @throws AEP_STATE_RANGE_INVALID, AEP_STATE_KEY_INVALID */
  constructor(
    private readonly table: EntityTable,
    options: KeyRange,
  ) {
    this.bounds = concludeRange(table, options);
    this.stepsLeft = options.limit ?? Infinity;
    this.period = table.tracker.period;
  }

  /** Steps to the next key; false at the end. @throws AEP_STATE_RANGE_EXPIRED after the transaction that the walk began in */
  advance(): boolean {
    if (this.isDone) return false;
    if (this.isExpired || this.period !== this.table.tracker.period) throw rangeExpired(this.table);
    if (this.stepsLeft <= 0) return this.finish();
    if (this.durableOpenedAt !== this.table.tracker.appliedTxId) this.openDurable();
    for (;;) {
      const fresh = this.nextFresh();
      const durableKey = this.lookAhead();
      if (durableKey === undefined && fresh === undefined) return this.finish();
      if (fresh === undefined || (durableKey !== undefined && this.compare(durableKey, fresh.key) <= 0)) {
        this.key = durableKey!;
        this.bytes = this.aheadBytes;
        this.aheadKey = undefined;
      } else {
        this.key = fresh.key;
        this.bytes = undefined;
      }
      this.lastKey = this.key;
      // Memory is asked at the step, not at the lookahead: the loop's body may have deleted or created in between.
      if (this.table.inMemory(this.key)?.present === false) continue;
      this.stepsLeft--;
      return true;
    }
  }

  /** The entry that the walk stands at, leased to the handler. */
  entry(): Entry {
    const known = this.table.inMemory(this.key);
    if (known === undefined) return this.table.adopt(this.key, this.bytes!);
    known.lease = this.period;
    return known;
  }

  /** Ends the walk and lets go of its read snapshot. May be called at any time, also twice. */
  close(): void {
    this.isDone = true;
    this.closeDurable();
  }

  /** The transaction ended: a further step throws. */
  expire(): void {
    this.isExpired = true;
    this.closeDurable();
  }

  private finish(): false {
    this.close();
    return false;
  }

  private nextFresh(): Entry | undefined {
    const index = this.table.freshIndex();
    if (index.size === 0) return undefined;
    const { start, startInclusive, end, endInclusive, reverse } = this.bounds;
    const from = this.lastKey ?? start;
    const inclusive = this.lastKey === undefined && startInclusive;
    const entry = reverse ? index.before(from, inclusive) : index.after(from, inclusive);
    if (entry === undefined || end === undefined) return entry;
    const toEnd = this.compare(entry.key, end);
    return toEnd < 0 || (toEnd === 0 && endInclusive) ? entry : undefined;
  }

  private lookAhead(): StateKey | undefined {
    if (this.aheadKey !== undefined || this.durable === undefined) return this.aheadKey;
    const result = this.durable.next();
    if (result.done === true) {
      this.closeDurable();
      return undefined;
    }
    this.aheadKey = this.table.codec.decode(result.value.key);
    this.aheadBytes = result.value.value;
    return this.aheadKey;
  }

  private openDurable(): void {
    this.closeDurable();
    const { table, bounds, lastKey } = this;
    this.durableOpenedAt = table.tracker.appliedTxId;
    if (bounds.isEmpty) return;
    const from = lastKey ?? bounds.start;
    const options: RangeOptions = { reverse: bounds.reverse };
    if (from !== undefined) {
      const inclusive = lastKey === undefined && bounds.startInclusive;
      options[bounds.reverse ? (inclusive ? 'lte' : 'lt') : inclusive ? 'gte' : 'gt'] = encode(table, from);
    }
    if (bounds.end !== undefined) {
      const { endInclusive } = bounds;
      options[bounds.reverse ? (endInclusive ? 'gte' : 'gt') : endInclusive ? 'lte' : 'lt'] = encode(table, bounds.end);
    }
    this.durable = table.source.range(table.id, options);
    table.tracker.openRanges.add(this);
  }

  private closeDurable(): void {
    const { durable } = this;
    this.aheadKey = undefined;
    this.aheadBytes = undefined;
    if (durable === undefined) return;
    this.durable = undefined;
    this.table.tracker.openRanges.delete(this);
    durable.return?.();
  }

  /** In the direction of the walk. */
  private compare(a: StateKey, b: StateKey): number {
    const order = this.table.codec.compare(a, b);
    return this.bounds.reverse ? -order : order;
  }
}

/** Where a walk starts and ends, in its direction. */
interface WalkBounds {
  readonly start: StateKey | undefined;
  readonly startInclusive: boolean;
  readonly end: StateKey | undefined;
  readonly endInclusive: boolean;
  readonly reverse: boolean;
  /** The bounds exclude every key; the durable table is not asked. */
  readonly isEmpty: boolean;
}

type RangeOptions = { -readonly [Name in keyof RangeBytes]: RangeBytes[Name] };

function concludeRange(table: EntityTable, options: KeyRange): WalkBounds {
  const { gte, gt, lte, lt, limit, reverse = false } = options;
  if (gte !== undefined && gt !== undefined)
    throw rangeInvalid(table, 'gte and gt are both given: give one lower bound');
  if (lte !== undefined && lt !== undefined)
    throw rangeInvalid(table, 'lte and lt are both given: give one upper bound');
  if (limit !== undefined && (!Number.isInteger(limit) || limit < 0) && limit !== Infinity) {
    throw rangeInvalid(table, `limit is ${String(limit)}: expected a whole number from 0`);
  }
  const lower = gte ?? gt;
  const upper = lte ?? lt;
  if (lower !== undefined) encode(table, lower);
  if (upper !== undefined) encode(table, upper);
  const order = lower === undefined || upper === undefined ? -1 : table.codec.compare(lower, upper);
  const lowerInclusive = gt === undefined;
  const upperInclusive = lt === undefined;
  const isEmpty = order > 0 || (order === 0 && !(lowerInclusive && upperInclusive));
  return reverse
    ? { start: upper, startInclusive: upperInclusive, end: lower, endInclusive: lowerInclusive, reverse, isEmpty }
    : { start: lower, startInclusive: lowerInclusive, end: upper, endInclusive: upperInclusive, reverse, isEmpty };
}

function encode(table: EntityTable, key: StateKey): Uint8Array {
  const bytes = new Uint8Array(KEY_BYTES_MAX);
  return bytes.subarray(0, table.codec.encode(key, bytes));
}

function rangeInvalid(table: EntityTable, problem: string): AepError {
  return new AepError('AEP_STATE_RANGE_INVALID', 'reject', `range over ${table.name}: ${problem}`, {
    collection: table.name,
  });
}

function rangeExpired(table: EntityTable): AepError {
  return new AepError(
    'AEP_STATE_RANGE_EXPIRED',
    'reject',
    `a range over ${table.name} was used after the handler call it was opened in: note the last key, and open a new range behind it`,
    { collection: table.name },
  );
}
