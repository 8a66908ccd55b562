import { AepError } from '@aep/kernel';
import type { MessageView, TypeRegistry } from '@aep/messages';
import { LocalCause, type StateTables, Table } from '@aep/store';
import type { Messaging } from '../messaging/messaging.js';
import type { SystemChange } from '../transaction/open-transaction.js';
import type { LocalRequest, Work } from '../transaction/work.js';
import { decodeEntry, encodeEntry, orderedNumber, readOrderedNumber } from './system-entry.js';

/** A message that could not be handled, as it is kept (E20). */
export interface DeadLetter {
  /** Number of the transaction that put it aside. */
  readonly id: number;
  readonly reason: string;
  readonly error: string;
  readonly attempts: number;
  readonly atMs: number;
  /** `channel@bus`, or `injected`, `timer:…` for events from inside the process. */
  readonly origin: string;
  readonly key: string;
  readonly factoryId: number;
  readonly typeId: number;
  /** Protobuf full name; empty when the type is unknown to the application. */
  readonly type: string;
  readonly senderId: number;
  readonly sno: number;
  readonly bytes: Uint8Array;
}

export interface DeadLetterParts {
  readonly tables: StateTables;
  readonly types: TypeRegistry;
  readonly nextTxId: () => number;
  /** Runs a local request in the pipeline; resolves at stability. */
  readonly submit: (request: LocalRequest) => Promise<unknown>;
  readonly messaging: Pick<Messaging, 'ports'>;
}

/** Which dead letters a call is about: all, or those that match every given part. */
export interface DeadLetterFilter {
  readonly ids?: readonly number[];
  readonly type?: string;
  readonly origin?: string;
  readonly reason?: string;
  /** @default 1000 */
  readonly limit?: number;
}

/** What became of a replay of many; what failed was put aside anew under another id. */
export interface DeadLetterReplays {
  readonly replayed: readonly number[];
  readonly failed: readonly { readonly id: number; readonly error: AepError }[];
}

interface RecentChange {
  /** Undefined: removed. */
  readonly value: Uint8Array | undefined;
  readonly txId: number;
}

type Head = Omit<DeadLetter, 'id' | 'bytes'>;

/**
 * The dead-letter collection of one engine (E20, E23). Entries come and go only in transactions: putting aside is part of
 * the transaction that acknowledges the message, a replay removes the entry in the transaction that handles it again.
 */
export class DeadLetters {
  /** Entries that came or went in transactions which the tables do not hold yet, by id; in order of transactions. */
  private readonly recent = new Map<number, RecentChange>();

  constructor(private readonly parts: DeadLetterParts) {}

  /** The change that puts the message of a failed event aside. */
  entryFor(work: Work, reason: string, cause: AepError, atMs: number): SystemChange {
    const { delivery, port, local, message } = work;
    const type = message?.$type;
    const head: Head = {
      reason,
      error: cause.message,
      attempts: work.attempt,
      atMs,
      origin: port === undefined ? `${local?.origin ?? 'injected'}:${local?.label ?? ''}` : port.where,
      key: delivery?.key ?? '',
      factoryId: delivery?.metadata.factoryId ?? type?.factoryId ?? 0,
      typeId: delivery?.metadata.typeId ?? type?.typeId ?? 0,
      type: type?.fullName ?? '',
      senderId: delivery?.metadata.senderId ?? 0,
      sno: delivery?.metadata.sno ?? 0,
    };
    const bytes = delivery === undefined ? message!.toBytes() : delivery.bytes.subarray(delivery.start, delivery.end);
    const id = this.parts.nextTxId();
    const value = encodeEntry(head, bytes);
    return { tableId: Table.deadLetters, key: orderedNumber(id), value, onSealed: () => this.note(id, value) };
  }

  /** Dead letters, oldest first. */
  list(filter: DeadLetterFilter = {}): DeadLetter[] {
    return select(this.entries(), filter);
  }

  /** @throws AEP_DEAD_LETTER_UNKNOWN */
  get(id: number): DeadLetter {
    const value = this.find(id);
    if (value === undefined) throw unknown(id);
    return decode(id, value);
  }

  /** The message as ProtoJSON, or undefined when its type or bytes cannot be read. */
  decoded(letter: DeadLetter): unknown {
    return decodeMessage(this.parts.types, letter);
  }

  /**
   * Hands the message to the handlers of the channel that it came from again (of an event-sourced application, whose journal
   * does not keep that place, to those for messages from inside the process); resolves once that is stable. One that fails
   * again is put aside anew. `edited` is the message as ProtoJSON, to replace what was received (E23).
   *
   * @throws AEP_DEAD_LETTER_UNKNOWN, AEP_DEAD_LETTER_TYPE, AEP_JSON_INVALID
   */
  async replay(id: number, edited?: unknown): Promise<void> {
    const letter = this.get(id);
    const message = this.messageOf(letter, edited);
    await this.parts.submit({
      origin: 'replay',
      cause: LocalCause.replay,
      label: `dead letter ${id}`,
      message,
      port: this.parts.messaging.ports.find((port) => port.where === letter.origin),
      prepare: (transaction) => this.remove(transaction, id),
    });
  }

  /** Removes it unhandled. @throws AEP_DEAD_LETTER_UNKNOWN */
  async discard(id: number): Promise<void> {
    this.get(id);
    await this.parts.submit({
      origin: 'replay',
      cause: LocalCause.replay,
      label: `discard of dead letter ${id}`,
      prepare: (transaction) => this.remove(transaction, id),
    });
  }

  /** Replays every dead letter that matches, one after another; a dry run is {@link list} with the same filter. */
  async replayAll(filter: DeadLetterFilter = {}): Promise<DeadLetterReplays> {
    const replayed: number[] = [];
    const failed: { id: number; error: AepError }[] = [];
    for (const { id } of this.list(filter)) {
      try {
        await this.replay(id);
        replayed.push(id);
      } catch (error) {
        failed.push({ id, error: error as AepError }); // the engine rejects with AepErrors only
      }
    }
    return { replayed, failed };
  }

  private remove(transaction: { change(change: SystemChange): void }, id: number): 'run' | 'skip' {
    if (this.find(id) === undefined) return 'skip';
    transaction.change({
      tableId: Table.deadLetters,
      key: orderedNumber(id),
      value: undefined,
      onSealed: () => this.note(id, undefined),
    });
    return 'run';
  }

  private find(id: number): Uint8Array | undefined {
    const recent = this.recent.get(id);
    return recent === undefined ? this.parts.tables.get(Table.deadLetters, orderedNumber(id)) : recent.value;
  }

  private note(id: number, value: Uint8Array | undefined): void {
    for (const [other, { txId }] of this.recent) {
      if (txId > this.parts.tables.appliedTxId) break;
      this.recent.delete(other);
    }
    this.recent.delete(id); // re-inserted: the map is in order of transactions
    this.recent.set(id, { value, txId: this.parts.nextTxId() - 1 });
  }

  /** The tables as they will be when all that is sealed is in them. Ids grow, so what is new comes last. */
  private *entries(): IterableIterator<[id: number, value: Uint8Array]> {
    let lastId = 0;
    for (const { key, value } of this.parts.tables.range(Table.deadLetters)) {
      lastId = readOrderedNumber(key);
      const recent = this.recent.get(lastId);
      if (recent === undefined) yield [lastId, value];
      else if (recent.value !== undefined) yield [lastId, recent.value];
    }
    for (const [id, { value }] of this.recent) if (id > lastId && value !== undefined) yield [id, value];
  }

  private messageOf(letter: DeadLetter, edited: unknown): MessageView {
    const type = this.parts.types.find(letter.factoryId, letter.typeId);
    if (type === undefined) {
      throw new AepError(
        'AEP_DEAD_LETTER_TYPE',
        'reject',
        `dead letter ${letter.id} has type ${letter.typeId} of factory ${letter.factoryId}, which the application does not know: add the factory, or discard it`,
        { id: letter.id, factoryId: letter.factoryId, typeId: letter.typeId },
      );
    }
    return edited === undefined ? type.fromBytes(letter.bytes) : type.fromJSON(edited);
  }
}

/** For tools that read a store without an engine. */
export function listDeadLetters(tables: Pick<StateTables, 'range'>, filter: DeadLetterFilter = {}): DeadLetter[] {
  return select(stored(tables), filter);
}

function* stored(tables: Pick<StateTables, 'range'>): IterableIterator<[id: number, value: Uint8Array]> {
  for (const { key, value } of tables.range(Table.deadLetters)) yield [readOrderedNumber(key), value];
}

function select(entries: Iterable<[id: number, value: Uint8Array]>, filter: DeadLetterFilter): DeadLetter[] {
  const letters: DeadLetter[] = [];
  const limit = filter.limit ?? 1000;
  for (const [id, value] of entries) {
    if (letters.length >= limit) break;
    const letter = decode(id, value);
    if (matches(letter, filter)) letters.push(letter);
  }
  return letters;
}

/** The message of a dead letter as ProtoJSON, or undefined when its type or its bytes cannot be read. */
export function decodeMessage(types: TypeRegistry, letter: DeadLetter): unknown {
  const type = types.find(letter.factoryId, letter.typeId);
  if (type === undefined) return undefined;
  const view = type.wrap(letter.bytes);
  try {
    return view.toJSON();
  } catch {
    return undefined; // bytes that cannot be decoded are why many a letter is here; the caller shows them as hex
  } finally {
    view.dispose();
  }
}

function matches(letter: DeadLetter, filter: DeadLetterFilter): boolean {
  if (filter.ids !== undefined && !filter.ids.includes(letter.id)) return false;
  if (filter.type !== undefined && letter.type !== filter.type) return false;
  if (filter.origin !== undefined && letter.origin !== filter.origin) return false;
  return filter.reason === undefined || letter.reason === filter.reason;
}

function decode(id: number, value: Uint8Array): DeadLetter {
  const { head: stored, content } = decodeEntry(value);
  const head = stored as Head;
  return { id, ...head, bytes: content };
}

function unknown(id: number): AepError {
  return new AepError(
    'AEP_DEAD_LETTER_UNKNOWN',
    'reject',
    `there is no dead letter ${id}: list them with "aep dead-letters list"`,
    { id },
  );
}
