import { KEY_BYTES_MAX } from '@aep/store';
import { keyInvalid } from './state-errors.js';

/** A key of a collection as a handler sees it. 64-bit kinds are `bigint`, 32-bit kinds `number`. */
export type StateKey = string | number | bigint | boolean;

/** Protobuf's scalar types that may be the key of a map. */
export type KeyKind =
  | 'string'
  | 'bool'
  | 'int32'
  | 'sint32'
  | 'sfixed32'
  | 'uint32'
  | 'fixed32'
  | 'int64'
  | 'sint64'
  | 'sfixed64'
  | 'uint64'
  | 'fixed64';

/** Positions of a queue are keys too: safe integers from 0, as 8 bytes big endian. */
export type TableKeyKind = KeyKind | 'position';

/**
 * Turns keys into bytes whose order (memcmp) is the order of the keys, and back. Stateless and shared.
 * Text orders by code point, which is what its UTF-8 bytes do; numbers are big endian with the sign bit flipped.
 */
export interface KeyCodec {
  readonly kind: TableKeyKind;
  /**
   * Writes the key at offset 0 of `target` ({@link KEY_BYTES_MAX} bytes) and returns its length.
   * @throws AEP_STATE_KEY_INVALID when the key is not of the kind, out of its range, or longer than 1,900 bytes
   */
  encode(key: StateKey, target: Uint8Array): number;
  /** @throws AEP_STATE_KEY_INVALID when the bytes are no key of the kind */
  decode(bytes: Uint8Array): StateKey;
  /** Negative, zero or positive, as the order of the encoded bytes. Both keys are valid keys of the kind. */
  compare(a: StateKey, b: StateKey): number;
}

export function keyCodec(kind: TableKeyKind): KeyCodec {
  return CODECS[kind];
}

/**
 * A key from its text, as a person types it at a command line: digits for numbers, `true` or `false`, text as it stands.
 * @throws AEP_STATE_KEY_INVALID
 */
export function parseStateKey(kind: TableKeyKind, text: string): StateKey {
  const key = parseText(CODECS[kind], text);
  CODECS[kind].encode(key, new Uint8Array(KEY_BYTES_MAX));
  return key;
}

function parseText(codec: KeyCodec, text: string): StateKey {
  if (codec instanceof TextCodec) return text;
  if (codec instanceof BoolCodec) {
    if (text === 'true') return true;
    if (text === 'false') return false;
    throw keyInvalid(codec.kind, text, 'expected true or false');
  }
  if (!/^-?\d{1,20}$/.test(text)) throw keyInvalid(codec.kind, text, 'expected a whole number');
  return codec instanceof Int64Codec ? BigInt(text) : Number(text);
}

class TextCodec implements KeyCodec {
  readonly kind = 'string';

  encode(key: StateKey, target: Uint8Array): number {
    if (typeof key !== 'string') throw keyInvalid(this.kind, key, 'expected a string');
    const length = key.length;
    // Short ASCII keys are nearly all there are; a loop beats TextEncoder's call by far.
    if (length > SHORT_TEXT) return this.encodeLong(key, target);
    for (let index = 0; index < length; index++) {
      const unit = key.charCodeAt(index);
      if (unit > 0x7f) return this.encodeLong(key, target);
      target[index] = unit;
    }
    return length;
  }

  private encodeLong(key: string, target: Uint8Array): number {
    // A lone surrogate would become U+FFFD, and two different keys the same bytes.
    if (LONE_SURROGATE.test(key)) throw keyInvalid(this.kind, key, 'the text holds half of a surrogate pair');
    const { read, written } = utf8Encoder.encodeInto(key, target.subarray(0, KEY_BYTES_MAX));
    if (read < key.length) throw keyInvalid(this.kind, key, `a key has at most ${KEY_BYTES_MAX} bytes of UTF-8`);
    return written;
  }

  decode(bytes: Uint8Array): string {
    try {
      return utf8Decoder.decode(bytes);
    } catch {
      throw keyInvalid(this.kind, hexOf(bytes), 'the stored bytes are not UTF-8');
    }
  }

  compare(a: StateKey, b: StateKey): number {
    return compareText(a as string, b as string);
  }
}

class BoolCodec implements KeyCodec {
  readonly kind = 'bool';

  encode(key: StateKey, target: Uint8Array): number {
    if (typeof key !== 'boolean') throw keyInvalid(this.kind, key, 'expected true or false');
    target[0] = key ? 1 : 0;
    return 1;
  }

  decode(bytes: Uint8Array): boolean {
    if (bytes.length !== 1 || bytes[0]! > 1) throw keyInvalid(this.kind, hexOf(bytes), 'the stored bytes are no bool');
    return bytes[0] === 1;
  }

  compare(a: StateKey, b: StateKey): number {
    return Number(a) - Number(b);
  }
}

class Int32Codec implements KeyCodec {
  constructor(
    readonly kind: TableKeyKind,
    private readonly signed: boolean,
  ) {}

  encode(key: StateKey, target: Uint8Array): number {
    const valid = typeof key === 'number' && (this.signed ? (key | 0) === key : key >>> 0 === key);
    if (!valid)
      throw keyInvalid(this.kind, key, `expected a whole number of 32 bits, ${this.signed ? '' : 'un'}signed`);
    const bits = this.signed ? key ^ SIGN_BIT : key;
    target[0] = bits >>> 24;
    target[1] = bits >>> 16;
    target[2] = bits >>> 8;
    target[3] = bits;
    return 4;
  }

  decode(bytes: Uint8Array): number {
    if (bytes.length !== 4) throw keyInvalid(this.kind, hexOf(bytes), 'a stored key of 32 bits has 4 bytes');
    const bits = (bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!;
    return this.signed ? bits ^ SIGN_BIT : bits >>> 0;
  }

  compare(a: StateKey, b: StateKey): number {
    return (a as number) - (b as number);
  }
}

class Int64Codec implements KeyCodec {
  constructor(
    readonly kind: TableKeyKind,
    private readonly signed: boolean,
  ) {}

  encode(key: StateKey, target: Uint8Array): number {
    const valid = typeof key === 'bigint' && (this.signed ? BigInt.asIntN(64, key) : BigInt.asUintN(64, key)) === key;
    if (!valid) throw keyInvalid(this.kind, key, `expected a bigint of 64 bits, ${this.signed ? '' : 'un'}signed`);
    const bits = this.signed ? BigInt.asUintN(64, key) ^ SIGN_BIT_64 : key;
    writeUint64(target, Number(bits >> 32n), Number(bits & 0xffff_ffffn));
    return 8;
  }

  decode(bytes: Uint8Array): bigint {
    if (bytes.length !== 8) throw keyInvalid(this.kind, hexOf(bytes), 'a stored key of 64 bits has 8 bytes');
    const bits = (BigInt(readUint32(bytes, 0)) << 32n) | BigInt(readUint32(bytes, 4));
    return this.signed ? BigInt.asIntN(64, bits ^ SIGN_BIT_64) : bits;
  }

  compare(a: StateKey, b: StateKey): number {
    return a < b ? -1 : a > b ? 1 : 0;
  }
}

class PositionCodec implements KeyCodec {
  readonly kind = 'position';

  encode(key: StateKey, target: Uint8Array): number {
    if (typeof key !== 'number' || !Number.isSafeInteger(key) || key < 0) {
      throw keyInvalid(this.kind, key, 'expected a safe integer from 0');
    }
    writeUint64(target, Math.floor(key / 0x1_0000_0000), key >>> 0);
    return 8;
  }

  decode(bytes: Uint8Array): number {
    const position = bytes.length === 8 ? readUint32(bytes, 0) * 0x1_0000_0000 + readUint32(bytes, 4) : -1;
    if (!Number.isSafeInteger(position) || position < 0) {
      throw keyInvalid(this.kind, hexOf(bytes), 'the stored bytes are no position of a queue');
    }
    return position;
  }

  compare(a: StateKey, b: StateKey): number {
    return (a as number) - (b as number);
  }
}

/** Order by code point. UTF-16 units agree with it, save that surrogates (code points past U+FFFF) sort before U+E000. */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return codePointRank(left) - codePointRank(right);
  }
  return a.length - b.length;
}

/** Moves surrogates behind the units from U+E000 to U+FFFF. */
function codePointRank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000;
}

function writeUint64(target: Uint8Array, high: number, low: number): void {
  target[0] = high >>> 24;
  target[1] = high >>> 16;
  target[2] = high >>> 8;
  target[3] = high;
  target[4] = low >>> 24;
  target[5] = low >>> 16;
  target[6] = low >>> 8;
  target[7] = low;
}

function readUint32(bytes: Uint8Array, offset: number): number {
  const bits = (bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!;
  return bits >>> 0;
}

function hexOf(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes.subarray(0, 64)).toString('hex')}`;
}

/** Longest text tried as ASCII in place; well below KEY_BYTES_MAX, so the loop needs no check of the length. */
const SHORT_TEXT = 128;
const SIGN_BIT = 0x8000_0000 | 0;
const SIGN_BIT_64 = 1n << 63n;
const LONE_SURROGATE = /\p{Surrogate}/u;
const utf8Encoder = new TextEncoder();
// ignoreBOM: a key may begin with U+FEFF, and must come back as it went in.
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const CODECS: Readonly<Record<TableKeyKind, KeyCodec>> = {
  string: new TextCodec(),
  bool: new BoolCodec(),
  int32: new Int32Codec('int32', true),
  sint32: new Int32Codec('sint32', true),
  sfixed32: new Int32Codec('sfixed32', true),
  uint32: new Int32Codec('uint32', false),
  fixed32: new Int32Codec('fixed32', false),
  int64: new Int64Codec('int64', true),
  sint64: new Int64Codec('sint64', true),
  sfixed64: new Int64Codec('sfixed64', true),
  uint64: new Int64Codec('uint64', false),
  fixed64: new Int64Codec('fixed64', false),
  position: new PositionCodec(),
};
