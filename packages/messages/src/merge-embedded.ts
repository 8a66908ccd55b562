import type { FieldInfo } from './field-info.js';
import { malformed } from './malformed.js';
import { afterUnknown, readLongTag, wire } from './wire-reader.js';
import { copyBytes, writeUint32 } from './wire-writer.js';

/**
 * The same message with every embedded message in one piece. A sender may split an embedded message over several occurrences of its
 * field; their contents, one behind the other, are the merged message. The merged ones go to the end, which only matters in a
 * oneof, where the last member wins: there the occurrences before another member are dropped.
 *
 * @throws AEP_MESSAGE_MALFORMED
 */
export function mergeEmbedded(
  fields: readonly FieldInfo<never>[],
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array {
  const byNumber = new Map(fields.map((field) => [field.number, field]));
  const pieces = new Map<number, Uint8Array[]>();
  const rest: Uint8Array[] = [];
  for (let at = start; at < end;) {
    const tag = readLongTag(bytes, at, end);
    const contentAt = wire.at;
    const next = afterUnknown(bytes, contentAt, end, tag);
    if (!(next <= end)) throw malformed(`field ${tag >>> 3}`, at - start);
    const field = byNumber.get(tag >>> 3);
    if (field?.oneof !== undefined) dropOtherMembers(pieces, byNumber, field);
    const isEmbedded = field !== undefined && field.kind === 'message' && !field.repeated && (tag & 7) === 2;
    if (!isEmbedded) rest.push(bytes.subarray(at, next));
    else piecesOf(pieces, field.number).push(bytes.subarray(wire.at, next));
    at = next;
  }
  return join(rest, pieces, end - start);
}

function dropOtherMembers(
  pieces: Map<number, Uint8Array[]>,
  byNumber: ReadonlyMap<number, FieldInfo<never>>,
  member: FieldInfo<never>,
): void {
  for (const number of pieces.keys()) {
    if (number !== member.number && byNumber.get(number)?.oneof === member.oneof) pieces.delete(number);
  }
}

function piecesOf(pieces: Map<number, Uint8Array[]>, number: number): Uint8Array[] {
  let list = pieces.get(number);
  if (list === undefined) pieces.set(number, (list = []));
  return list;
}

function join(rest: readonly Uint8Array[], pieces: ReadonlyMap<number, Uint8Array[]>, sizeBefore: number): Uint8Array {
  // The merged form has fewer tags, but one length can take up to four bytes more than the shortest of the pieces had.
  const joined = new Uint8Array(sizeBefore + 5 * pieces.size);
  let at = 0;
  for (const part of rest) at = copyBytes(part, 0, part.length, joined, at);
  for (const [number, parts] of pieces) {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    at = writeUint32(joined, writeUint32(joined, at, ((number << 3) | 2) >>> 0), length);
    for (const part of parts) at = copyBytes(part, 0, part.length, joined, at);
  }
  return joined.slice(0, at);
}
