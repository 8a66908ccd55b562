import { AepError } from '@aep/kernel';
import { afterUnknown, readLongTag, wire } from './wire-reader.js';

/** The error for a field that is cut off or not protobuf; says the reason that the last failed function left. */
export function malformed(place: string, offset: number): AepError {
  const reason = wire.fault === '' ? 'the message ends inside the field' : wire.fault;
  wire.fault = '';
  return new AepError('AEP_MESSAGE_MALFORMED', 'reject', `${place}: ${reason} (byte ${offset})`, {
    field: place,
    offset,
  });
}

interface Fields {
  readonly fullName: string;
  readonly fields: readonly { readonly number: number; readonly protoName: string }[];
}

/** Name of the field that a tag belongs to. */
export function placeOf(type: Fields, tag: number): string {
  const field = type.fields.find((candidate) => candidate.number === tag >>> 3);
  return `${type.fullName}.${field?.protoName ?? `(field ${tag >>> 3})`}`;
}

/** Walks the message slowly to the first field that is not well-formed; offsets count from the message's start. */
export function findFault(type: Fields, bytes: Uint8Array, start: number, end: number): AepError {
  for (let at = start; at < end;) {
    const fieldAt = at;
    wire.fault = '';
    const tag = readLongTag(bytes, at, end);
    at = afterUnknown(bytes, wire.at, end, tag);
    if (!(at <= end)) return malformed(placeOf(type, tag), fieldAt - start);
  }
  return malformed(type.fullName, end - start);
}
