import { Buffer } from 'node:buffer';

/*
 * Strings to and from UTF-8. Measured on Node 20: one String.fromCharCode call with up to 16 arguments costs about 6 ns and 1 ns
 * per character, the native decoder about 45 ns whatever the length; a loop over charCodeAt writes 20 characters in the
 * 40 ns that the native encoder needs to start. So short ASCII strings are done here and everything else natively.
 */

/** Longest string that `decodeShortAscii` takes. */
export const shortReadMax = 16;
/** Longest string that a loop writes faster than the native encoder. */
export const shortWriteMax = 32;
const fromCodes = String.fromCharCode;
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

/**
 * A short string that is all ASCII, or `undefined`. One call with all codes, taken from the bytes once: a loop of concatenations is four
 * times slower, and a loop that looks first costs as much as the call.
 */
// prettier-ignore
// oxlint-disable-next-line max-lines-per-function -- a table of seventeen cases, not seventeen ideas
export function decodeShortAscii(bytes: Uint8Array, at: number, length: number): string | undefined {
  switch (length) {
    case 0:
      return '';
    case 1: {
      const c0 = bytes[at]!;
      return c0 < 0x80 ? fromCodes(c0) : undefined;
    }
    case 2: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!;
      if ((c0 | c1) >= 0x80) return undefined;
      return fromCodes(c0, c1);
    }
    case 3: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!;
      if ((c0 | c1 | c2) >= 0x80) return undefined;
      return fromCodes(c0, c1, c2);
    }
    case 4: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!;
      if ((c0 | c1 | c2 | c3) >= 0x80) return undefined;
      return fromCodes(c0, c1, c2, c3);
    }
    case 5: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!;
      if ((c0 | c1 | c2 | c3 | c4) >= 0x80) return undefined;
      return fromCodes(c0, c1, c2, c3, c4);
    }
    case 6: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!, c5 = bytes[at + 5]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5) >= 0x80) return undefined;
      return fromCodes(c0, c1, c2, c3, c4, c5);
    }
    case 7: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6) >= 0x80) return undefined;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6);
    }
    case 8: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!, c7 = bytes[at + 7]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7) >= 0x80) return undefined;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6, c7);
    }
    case 9: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!, c7 = bytes[at + 7]!, c8 = bytes[at + 8]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8) >= 0x80) return undefined;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6, c7, c8);
    }
    case 10: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!, c7 = bytes[at + 7]!, c8 = bytes[at + 8]!, c9 = bytes[at + 9]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9) >= 0x80) return undefined;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9);
    }
    case 11: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!, c7 = bytes[at + 7]!, c8 = bytes[at + 8]!, c9 = bytes[at + 9]!,
        c10 = bytes[at + 10]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10) >= 0x80) return undefined;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10);
    }
    case 12: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!, c7 = bytes[at + 7]!, c8 = bytes[at + 8]!, c9 = bytes[at + 9]!,
        c10 = bytes[at + 10]!, c11 = bytes[at + 11]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10 | c11) >= 0x80) return undefined;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11);
    }
    case 13: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!, c7 = bytes[at + 7]!, c8 = bytes[at + 8]!, c9 = bytes[at + 9]!,
        c10 = bytes[at + 10]!, c11 = bytes[at + 11]!, c12 = bytes[at + 12]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10 | c11 | c12) >= 0x80) return undefined;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12);
    }
    case 14: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!, c7 = bytes[at + 7]!, c8 = bytes[at + 8]!, c9 = bytes[at + 9]!,
        c10 = bytes[at + 10]!, c11 = bytes[at + 11]!, c12 = bytes[at + 12]!, c13 = bytes[at + 13]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10 | c11 | c12 | c13) >= 0x80) return undefined;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13);
    }
    case 15: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!, c7 = bytes[at + 7]!, c8 = bytes[at + 8]!, c9 = bytes[at + 9]!,
        c10 = bytes[at + 10]!, c11 = bytes[at + 11]!, c12 = bytes[at + 12]!, c13 = bytes[at + 13]!, c14 = bytes[at + 14]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10 | c11 | c12 | c13 | c14) >= 0x80) return undefined;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14);
    }
    case 16: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!, c7 = bytes[at + 7]!, c8 = bytes[at + 8]!, c9 = bytes[at + 9]!,
        c10 = bytes[at + 10]!, c11 = bytes[at + 11]!, c12 = bytes[at + 12]!, c13 = bytes[at + 13]!, c14 = bytes[at + 14]!,
        c15 = bytes[at + 15]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10 | c11 | c12 | c13 | c14 | c15) >= 0x80) return undefined;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15);
    }
    default:
      return undefined;
  }
}
