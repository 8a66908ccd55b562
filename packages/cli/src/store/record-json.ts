import { toError } from '@aep/kernel';
import { decodeEntry, readOrderedNumber } from '@aep/engine/internal';
import { decodeStateEntry, type StateKey } from '@aep/state';
import {
  type CauseDescription,
  type ChangeDescription,
  describeRecord,
  type MessageDescription,
  type RecordDecoders,
  type RecordDescription,
  RecordReader,
  Table,
} from '@aep/store';
import { toHex } from '../output/json.js';
import type { AppTypes } from './app-types.js';

/** A message of a record. `content` when its type is known and its bytes can be read, else `hex`. */
export interface MessageJson {
  readonly type: string;
  readonly key: string;
  readonly sentAt: string;
  readonly traceparent?: string;
  readonly byteCount: number;
  readonly content?: unknown;
  readonly hex?: string;
  /** Why `hex` stands there although the type is known. */
  readonly problem?: string;
}

/** A change of a table. `collection`, `key` and `value` when the state root is known, else the bytes. */
export interface ChangeJson {
  readonly change: 'put' | 'delete';
  readonly collection: string;
  readonly key?: StateKey;
  readonly value?: unknown;
  readonly keyHex?: string;
  readonly valueHex?: string;
  readonly problem?: string;
}

/** A record of the journal as commands print it. */
export interface RecordJson {
  readonly txId: number;
  readonly epoch: number;
  readonly time: string;
  readonly kind: string;
  readonly flags: readonly string[];
  readonly cause: CauseDescription | null;
  readonly message: MessageJson | null;
  readonly changes: readonly ChangeJson[];
  readonly outbound: readonly {
    bus: string;
    channel: string;
    qos: number;
    flow: number;
    sno: number;
    channelSno: number;
    message: MessageJson;
  }[];
  readonly byteCount: number;
  readonly hash: string;
  readonly previousHash: string;
}

/** Reads records into plain data, decoded as far as the types are known. */
export class RecordTranslator {
  private readonly reader = new RecordReader();
  private readonly decoders: RecordDecoders;

  constructor(private readonly types: AppTypes) {
    this.decoders = {
      message: (factoryId, typeId, bytes) => this.decodeMessage(factoryId, typeId, bytes),
      entry: (tableId, key, value) => ({ key: this.decodeEntry(tableId, key, value) }),
    };
  }

  /** @throws AEP_RECORD_CORRUPT, AEP_RECORD_VERSION */
  translate(bytes: Uint8Array): RecordJson {
    this.reader.open(bytes);
    return this.toJson(describeRecord(this.reader, this.decoders));
  }

  private toJson(record: RecordDescription): RecordJson {
    const { txId, epoch, timeMs, kind, flags, byteCount, hash, previousHash } = record;
    return {
      txId,
      epoch,
      time: timeText(timeMs),
      kind,
      flags,
      cause: record.cause ?? null,
      message: record.message === undefined ? null : this.messageJson(record.message),
      changes: record.changes.map(changeJson),
      outbound: record.outbound.map(({ bus, channel, qos, flow, sno, channelSno, message }) => ({
        bus,
        channel,
        qos,
        flow,
        sno,
        channelSno,
        message: this.messageJson(message),
      })),
      byteCount,
      hash,
      previousHash,
    };
  }

  private messageJson({
    factoryId,
    typeId,
    key,
    sentAtMs,
    traceparent,
    byteCount,
    content,
  }: MessageDescription): MessageJson {
    return {
      type: this.types.messages.find(factoryId, typeId)?.fullName ?? `${factoryId}:${typeId}`,
      key,
      sentAt: timeText(sentAtMs),
      ...(traceparent === undefined ? {} : { traceparent }),
      byteCount,
      ...(content as Pick<MessageJson, 'content' | 'hex' | 'problem'>),
    };
  }

  private decodeMessage(
    factoryId: number,
    typeId: number,
    bytes: Uint8Array,
  ): Pick<MessageJson, 'content' | 'hex' | 'problem'> {
    const type = this.types.messages.find(factoryId, typeId);
    if (type === undefined) return { hex: toHex(bytes) };
    try {
      const view = type.wrap(bytes);
      try {
        return { content: view.toJSON() };
      } finally {
        view.dispose();
      }
    } catch (thrown) {
      // A poisoned message is in the journal as it came; the listing must go on.
      return { hex: toHex(bytes), problem: toError(thrown).message };
    }
  }

  private decodeEntry(tableId: number, key: Uint8Array, value: Uint8Array | undefined): Omit<ChangeJson, 'change'> {
    return entryJson(this.types, tableId, key, value);
  }
}

/** One entry of a table, decoded as far as it is known. `value` is undefined for a deletion. */
export function entryJson(
  types: AppTypes,
  tableId: number,
  key: Uint8Array,
  value: Uint8Array | undefined,
): Omit<ChangeJson, 'change'> {
  const raw = {
    collection: tableName(tableId),
    keyHex: toHex(key),
    ...(value === undefined ? {} : { valueHex: toHex(value) }),
  };
  try {
    return systemEntry(tableId, key, value) ?? appEntry(types, tableId, key, value) ?? raw;
  } catch (thrown) {
    return { ...raw, problem: toError(thrown).message };
  }
}

// oxlint-disable-next-line max-params -- an entry is a table, a key and a value
function appEntry(
  { root }: AppTypes,
  tableId: number,
  key: Uint8Array,
  value: Uint8Array | undefined,
): Omit<ChangeJson, 'change'> | undefined {
  if (root === undefined) return undefined;
  // A deletion has a key only; an entity of no bytes has all defaults, which decodes.
  const entry = decodeStateEntry(root, tableId, key, value ?? NO_BYTES);
  if (entry === undefined) return undefined;
  return {
    collection: entry.kind === 'bounds' ? `${entry.collection}.bounds` : entry.collection,
    ...(entry.key === undefined ? {} : { key: entry.key }),
    ...(value === undefined ? {} : { value: entry.value }),
  };
}

/** Dead letters and timers, whose entries say what they are. */
function systemEntry(
  tableId: number,
  key: Uint8Array,
  value: Uint8Array | undefined,
): Omit<ChangeJson, 'change'> | undefined {
  if (tableId !== Table.deadLetters && tableId !== Table.timers) return undefined;
  const shownKey = tableId === Table.deadLetters ? readOrderedNumber(key) : Buffer.from(key).toString('utf8');
  const named = { collection: tableName(tableId), key: shownKey };
  if (value === undefined) return named;
  const { head, content } = decodeEntry(value);
  return { ...named, value: { ...(head as object), messageHex: toHex(content) } };
}

/** Tables of the engine by their name, those of the app by their number. */
export function tableName(tableId: number): string {
  return SYSTEM_TABLES.get(tableId) ?? `table ${tableId}`;
}

/** UTC to the millisecond; a time that no calendar has is shown as its number. */
export function timeText(timeMs: number): string {
  const date = new Date(timeMs);
  return Number.isNaN(date.getTime()) ? String(timeMs) : date.toISOString();
}

function changeJson({ change, key }: ChangeDescription): ChangeJson {
  return { change, ...(key as Omit<ChangeJson, 'change'>) };
}

const NO_BYTES = new Uint8Array(0);
const SYSTEM_TABLES: ReadonlyMap<number, string> = new Map(Object.entries(Table).map(([name, id]) => [id, name]));
