import { LocalCause, RecordFlag, RecordKind, Section } from './record-layout.js';
import type { RecordReader } from './record-reader.js';
import { Table } from './tables.js';

/** What the store cannot know: how messages and entries are decoded. Results must be JSON-able. */
export interface RecordDecoders {
  /** The message as JSON; undefined when the type is unknown. */
  message?(factoryId: number, typeId: number, bytes: Uint8Array): unknown;
  /** Key and value of an entry as JSON; undefined when the table is unknown. `value` is undefined for a deletion. */
  entry?(
    tableId: number,
    key: Uint8Array,
    value: Uint8Array | undefined,
  ): { readonly key: unknown; readonly value?: unknown } | undefined;
}

export interface MessageDescription {
  readonly factoryId: number;
  readonly typeId: number;
  readonly key: string;
  readonly sentAtMs: number;
  readonly traceparent?: string;
  readonly byteCount: number;
  /** What the decoder answered; absent when it knows no such type. */
  readonly content?: unknown;
}

export interface ChannelPlace {
  readonly bus: string;
  readonly channel: string;
  readonly qos: number;
}

export type CauseDescription =
  | (ChannelPlace & {
      readonly kind: 'inbound';
      readonly senderId: number;
      readonly incarnation: number;
      readonly flow: number;
      readonly sno: number;
      readonly channelSno: number;
    })
  | { readonly kind: string; readonly label: string };

export interface ChangeDescription {
  readonly change: 'put' | 'delete';
  readonly tableId: number;
  readonly table: string | undefined;
  readonly keyHex: string;
  readonly byteCount: number;
  readonly key?: unknown;
  readonly value?: unknown;
}

export interface RecordDescription {
  readonly txId: number;
  readonly epoch: number;
  readonly kind: string;
  readonly flags: readonly string[];
  readonly timeMs: number;
  readonly seed: number;
  readonly byteCount: number;
  readonly hash: string;
  readonly previousHash: string;
  readonly cause: CauseDescription | undefined;
  /** The inbound message, when the record keeps it. */
  readonly message: MessageDescription | undefined;
  readonly changes: readonly ChangeDescription[];
  readonly outbound: readonly (ChannelPlace & {
    readonly flow: number;
    readonly sno: number;
    readonly channelSno: number;
    readonly message: MessageDescription;
  })[];
}

/** A record as plain JSON-able data, for listings and exports. The reader has been opened on it. */
export function describeRecord(reader: RecordReader, decoders: RecordDecoders = {}): RecordDescription {
  let cause: CauseDescription | undefined;
  let message: MessageDescription | undefined;
  const changes: ChangeDescription[] = [];
  const outbound: RecordDescription['outbound'][number][] = [];
  reader.rewind();
  while (reader.next()) {
    switch (reader.tag) {
      case Section.inboundCause:
        cause = inboundCause(reader);
        break;
      case Section.localCause:
        cause = { kind: nameOf(LocalCause, reader.localKind), label: reader.label };
        break;
      case Section.message:
        message = describeMessage(reader, decoders);
        break;
      case Section.put:
      case Section.delete:
        changes.push(describeChange(reader, decoders));
        break;
      case Section.outbound:
        outbound.push({
          ...placeOf(reader),
          flow: reader.flow,
          sno: reader.sno,
          channelSno: reader.channelSno,
          message: describeMessage(reader, decoders),
        });
        break;
      default:
        break;
    }
  }
  const { txId, epoch, flags, timeMs, seed, start, end, hash, previousHash } = reader;
  return {
    txId,
    epoch,
    kind: nameOf(RecordKind, reader.kind),
    flags: Object.entries(RecordFlag)
      .filter(([, bit]) => (flags & bit) !== 0)
      .map(([name]) => name),
    timeMs,
    seed,
    byteCount: end - start,
    hash: hex(hash),
    previousHash: hex(previousHash),
    cause,
    message,
    changes,
    outbound,
  };
}

function inboundCause(reader: RecordReader): CauseDescription {
  const { senderId, incarnation, flow, sno, channelSno } = reader;
  return { kind: 'inbound', ...placeOf(reader), senderId, incarnation, flow, sno, channelSno };
}

function placeOf(reader: RecordReader): ChannelPlace {
  return { bus: reader.busName(), channel: reader.channelName(), qos: reader.qos };
}

function describeMessage(reader: RecordReader, decoders: RecordDecoders): MessageDescription {
  const { factoryId, typeId, sentAtMs, key, traceparent, bytes, contentStart, contentEnd } = reader;
  const content = decoders.message?.(factoryId, typeId, bytes.subarray(contentStart, contentEnd));
  return {
    factoryId,
    typeId,
    key,
    sentAtMs,
    ...(traceparent === '' ? {} : { traceparent }),
    byteCount: contentEnd - contentStart,
    ...(content === undefined ? {} : { content }),
  };
}

function describeChange(reader: RecordReader, decoders: RecordDecoders): ChangeDescription {
  const { tableId, bytes } = reader;
  const isPut = reader.tag === Section.put;
  const key = bytes.subarray(reader.keyStart, reader.keyEnd);
  const value = isPut ? bytes.subarray(reader.contentStart, reader.contentEnd) : undefined;
  return {
    change: isPut ? 'put' : 'delete',
    tableId,
    table: Object.entries(Table).find(([, id]) => id === tableId)?.[0],
    keyHex: Buffer.from(key).toString('hex'),
    byteCount: value?.length ?? 0,
    ...decoders.entry?.(tableId, key, value),
  };
}

/** The name of a code; one of a later version is shown as its number. */
function nameOf(names: Readonly<Record<string, number>>, code: number): string {
  return Object.entries(names).find(([, value]) => value === code)?.[0] ?? `kind ${code}`;
}

function hex({ low, high }: { readonly low: number; readonly high: number }): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}
