import { PayloadWriter, readU16, readU32, writeU16, writeU32, writeU53 } from '@aep/net/internal';
import type { CopiedEntry, RecordHash, StoreBase } from '@aep/store';

import { PayloadReader, protocolError } from './protocol.js';

/** How far the group is, as its primary tells in every frame of the stream. */
export interface GroupPosition {
  readonly epoch: number;
  /** Records up to here are stable in the group (H2): they are never cut. */
  readonly stableTxId: number;
  /** Their outbound messages are confirmed (E37). */
  readonly confirmedTxId: number;
  /** The primary keeps records from here on; so do the others. */
  readonly firstTxId: number;
}

const POSITION_BYTES = 28;

/** The payload of a mark, and what stands in front of the records of a records frame. */
export function encodePosition(position: GroupPosition): Uint8Array {
  const bytes = new Uint8Array(POSITION_BYTES);
  writeU32(bytes, 0, position.epoch);
  writeU53(bytes, 4, position.stableTxId);
  writeU53(bytes, 12, position.confirmedTxId);
  writeU53(bytes, 20, position.firstTxId);
  return bytes;
}

export function decodePosition(reader: PayloadReader): GroupPosition {
  return {
    epoch: reader.u32(),
    stableTxId: reader.u53(),
    confirmedTxId: reader.u53(),
    firstTxId: reader.u53(),
  };
}

export interface Acked {
  readonly epoch: number;
  readonly durableTxId: number;
}

export function encodeAcked({ epoch, durableTxId }: Acked): Uint8Array {
  return new PayloadWriter().u32(epoch).u53(durableTxId).done();
}

export function decodeAcked(reader: PayloadReader): Acked {
  const acked = { epoch: reader.u32(), durableTxId: reader.u53() };
  reader.done();
  return acked;
}

export function encodeTxId(txId: number): Uint8Array {
  return new PayloadWriter().u53(txId).done();
}

export function decodeTxId(reader: PayloadReader): number {
  const txId = reader.u53();
  reader.done();
  return txId;
}

export interface Probed {
  readonly txId: number;
  /** undefined: this record is not kept. */
  readonly hash: RecordHash | undefined;
}

export function encodeProbed({ txId, hash }: Probed): Uint8Array {
  return new PayloadWriter()
    .u53(txId)
    .u8(hash === undefined ? 0 : 1)
    .u32(hash?.low ?? 0)
    .u32(hash?.high ?? 0)
    .done();
}

export function decodeProbed(reader: PayloadReader): Probed {
  const txId = reader.u53();
  const isKept = reader.u8() === 1;
  const hash = { low: reader.u32(), high: reader.u32() };
  reader.done();
  return { txId, hash: isKept ? hash : undefined };
}

/** What a state copy begins with. */
export interface CopyHead {
  readonly incarnation: number;
  /** The record before the first one that the primary keeps. */
  readonly base: StoreBase;
  /** The entries hold everything up to here. */
  readonly appliedTxId: number;
}

export function encodeCopyHead({ incarnation, base, appliedTxId }: CopyHead): Uint8Array {
  return new PayloadWriter()
    .u53(incarnation)
    .u53(base.txId)
    .u32(base.hash.low)
    .u32(base.hash.high)
    .u32(base.epoch)
    .u53(base.confirmedTxId)
    .u53(appliedTxId)
    .done();
}

export function decodeCopyHead(reader: PayloadReader): CopyHead {
  const head = {
    incarnation: reader.u53(),
    base: {
      txId: reader.u53(),
      hash: { low: reader.u32(), high: reader.u32() },
      epoch: reader.u32(),
      confirmedTxId: reader.u53(),
    },
    appliedTxId: reader.u53(),
  };
  reader.done();
  if (head.base.confirmedTxId > head.base.txId || head.appliedTxId < head.base.txId)
    throw protocolError('a copy whose positions do not fit together');
  return head;
}

const ENTRY_HEAD_BYTES = 8;

/** One chunk: for each entry table id u16, key length u16, value length u32, key, value. */
export function encodeEntries(entries: readonly CopiedEntry[]): Uint8Array {
  let length = 0;
  for (const { key, value } of entries) length += ENTRY_HEAD_BYTES + key.length + value.length;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const { tableId, key, value } of entries) {
    writeU16(bytes, at, tableId);
    writeU16(bytes, at + 2, key.length);
    writeU32(bytes, at + 4, value.length);
    bytes.set(key, at + ENTRY_HEAD_BYTES);
    bytes.set(value, at + ENTRY_HEAD_BYTES + key.length);
    at += ENTRY_HEAD_BYTES + key.length + value.length;
  }
  return bytes;
}

/** The entries of a chunk, as views of its bytes. @throws AEP_LINK_PROTOCOL */
export function decodeEntries(bytes: Uint8Array, start: number, end: number): CopiedEntry[] {
  const entries: CopiedEntry[] = [];
  for (let at = start; at < end;) {
    if (end - at < ENTRY_HEAD_BYTES) throw protocolError('a chunk of a copy ends inside an entry');
    const keyLength = readU16(bytes, at + 2);
    const valueLength = readU32(bytes, at + 4);
    const keyStart = at + ENTRY_HEAD_BYTES;
    const valueStart = keyStart + keyLength;
    if (valueLength > end - valueStart) throw protocolError('a chunk of a copy ends inside an entry');
    const tableId = readU16(bytes, at);
    at = valueStart + valueLength;
    entries.push({ tableId, key: bytes.subarray(keyStart, valueStart), value: bytes.subarray(valueStart, at) });
  }
  return entries;
}

/** Why a connection ends; the epoch tells a member that is behind that it is (H4). */
export interface Bye {
  readonly code: string;
  readonly message: string;
  readonly epoch: number;
}

export function encodeBye({ code, message, epoch }: Bye): Uint8Array {
  return new PayloadWriter().text(code).text(message).u32(epoch).done();
}

const REMOTE_TEXT_MAX = 300;

/** What the peer says is shown, but never trusted to be printable or short. */
export function decodeBye(reader: PayloadReader): Bye {
  const code = reader.text();
  const message = reader
    .text()
    .slice(0, REMOTE_TEXT_MAX)
    .replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?');
  const epoch = reader.u32();
  return { code: /^AEP_[A-Z0-9_]{1,60}$/.test(code) ? code : 'unknown', message, epoch };
}
