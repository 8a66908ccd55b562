import { Buffer } from 'node:buffer';

/*
 * Strings to and from UTF-8. Measured on Node 20: one String.fromCharCode call with up to 16 arguments costs about 6 ns and 1 ns
 * per character, the native decoder about 45 ns whatever the length; a loop over charCodeAt writes 20 characters in the
 * 40 ns that the native encoder needs to start. So short ASCII strings are done by wire-string.ts and wire-writer.ts and everything
 * else natively.
 */

/** Longest string that a loop writes faster than the native encoder. */
export const shortWriteMax = 32;
const replacement = '\uFFFD';
// On a plain Uint8Array too: the methods only need a typed array as `this`.
const { utf8Slice, utf8Write } = Buffer.prototype as unknown as {
  utf8Slice: (this: Uint8Array, start: number, end: number) => string;
  utf8Write: (this: Uint8Array, text: string, offset: number) => number;
};

/** The string in `bytes[start, end)`, or `undefined` when that is not valid UTF-8 (overlong forms and surrogates are not). */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  const text = utf8Slice.call(bytes, start, end);
  // The native decoder puts U+FFFD for what is invalid; only a text that holds one needs a closer look.
  if (text.includes(replacement) && !isValidUtf8(bytes, start, end)) return undefined;
  return text;
}

/** Bytes of the string in UTF-8; a lone surrogate counts as U+FFFD. */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text);
}

/**
 * Writes the string and returns the end offset; a lone surrogate becomes U+FFFD. Without enough room nothing behind the target is
 * touched and the answer lies behind the target's end.
 */
export function encodeUtf8(target: Uint8Array, offset: number, text: string): number {
  const length = text.length;
  if (target.length - offset < length * 3 && Buffer.byteLength(text) > target.length - offset) return Infinity;
  return offset + utf8Write.call(target, text, offset);
}

function isValidUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const lead = bytes[at++]!;
    if (lead < 0x80) continue;
    const extra = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc2 || lead > 0xf4 || at + extra > end) return false;
    const second = bytes[at]!;
    // The second byte excludes overlong forms, surrogates and what lies beyond U+10FFFF (RFC 3629, section 4).
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (second < low || second > high) return false;
    for (let index = 1; index < extra; index++) if ((bytes[at + index]! & 0xc0) !== 0x80) return false;
    at += extra;
  }
  return true;
}
