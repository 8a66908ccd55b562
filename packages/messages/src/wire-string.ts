import { AepError } from '@aep/kernel';
import { decodeUtf8 } from './utf8.js';
import { afterVarint, readUint32 } from './wire-reader.js';

const fromCodes = String.fromCharCode;

/**
 * A string whose length is at `lengthAt`; `place` is the field's full name. Up to 16 characters of ASCII, which most strings of messages
 * are, come out of one call with all codes, taken from the bytes once: a loop of concatenations is four times slower, a loop that looks
 * first costs as much as the call, and one more function between this table and its caller a tenth of it.
 *
 * @throws AEP_MESSAGE_MALFORMED when it is not UTF-8
 */
// prettier-ignore
// oxlint-disable-next-line max-lines-per-function -- a table of seventeen cases, not seventeen ideas
export function readString(bytes: Uint8Array, lengthAt: number, place: string): string {
  const at = lengthAt + 1;
  switch (bytes[lengthAt]) {
    case 0:
      return '';
    case 1: {
      const c0 = bytes[at]!;
      if (c0 >= 0x80) break;
      return fromCodes(c0);
    }
    case 2: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!;
      if ((c0 | c1) >= 0x80) break;
      return fromCodes(c0, c1);
    }
    case 3: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!;
      if ((c0 | c1 | c2) >= 0x80) break;
      return fromCodes(c0, c1, c2);
    }
    case 4: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!;
      if ((c0 | c1 | c2 | c3) >= 0x80) break;
      return fromCodes(c0, c1, c2, c3);
    }
    case 5: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!;
      if ((c0 | c1 | c2 | c3 | c4) >= 0x80) break;
      return fromCodes(c0, c1, c2, c3, c4);
    }
    case 6: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!, c5 = bytes[at + 5]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5) >= 0x80) break;
      return fromCodes(c0, c1, c2, c3, c4, c5);
    }
    case 7: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6) >= 0x80) break;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6);
    }
    case 8: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!, c7 = bytes[at + 7]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7) >= 0x80) break;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6, c7);
    }
    case 9: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!, c7 = bytes[at + 7]!, c8 = bytes[at + 8]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8) >= 0x80) break;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6, c7, c8);
    }
    case 10: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!, c7 = bytes[at + 7]!, c8 = bytes[at + 8]!, c9 = bytes[at + 9]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9) >= 0x80) break;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9);
    }
    case 11: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!, c7 = bytes[at + 7]!, c8 = bytes[at + 8]!, c9 = bytes[at + 9]!,
        c10 = bytes[at + 10]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10) >= 0x80) break;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10);
    }
    case 12: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!, c7 = bytes[at + 7]!, c8 = bytes[at + 8]!, c9 = bytes[at + 9]!,
        c10 = bytes[at + 10]!, c11 = bytes[at + 11]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10 | c11) >= 0x80) break;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11);
    }
    case 13: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!, c7 = bytes[at + 7]!, c8 = bytes[at + 8]!, c9 = bytes[at + 9]!,
        c10 = bytes[at + 10]!, c11 = bytes[at + 11]!, c12 = bytes[at + 12]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10 | c11 | c12) >= 0x80) break;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12);
    }
    case 14: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!, c7 = bytes[at + 7]!, c8 = bytes[at + 8]!, c9 = bytes[at + 9]!,
        c10 = bytes[at + 10]!, c11 = bytes[at + 11]!, c12 = bytes[at + 12]!, c13 = bytes[at + 13]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10 | c11 | c12 | c13) >= 0x80) break;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13);
    }
    case 15: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!, c7 = bytes[at + 7]!, c8 = bytes[at + 8]!, c9 = bytes[at + 9]!,
        c10 = bytes[at + 10]!, c11 = bytes[at + 11]!, c12 = bytes[at + 12]!, c13 = bytes[at + 13]!, c14 = bytes[at + 14]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10 | c11 | c12 | c13 | c14) >= 0x80) break;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14);
    }
    case 16: {
      const c0 = bytes[at]!, c1 = bytes[at + 1]!, c2 = bytes[at + 2]!, c3 = bytes[at + 3]!, c4 = bytes[at + 4]!,
        c5 = bytes[at + 5]!, c6 = bytes[at + 6]!, c7 = bytes[at + 7]!, c8 = bytes[at + 8]!, c9 = bytes[at + 9]!,
        c10 = bytes[at + 10]!, c11 = bytes[at + 11]!, c12 = bytes[at + 12]!, c13 = bytes[at + 13]!, c14 = bytes[at + 14]!,
        c15 = bytes[at + 15]!;
      if ((c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10 | c11 | c12 | c13 | c14 | c15) >= 0x80) break;
      return fromCodes(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15);
    }
    default:
  }
  return readLongString(bytes, lengthAt, place);
}

/** The same for any string: the native decoder takes about 45 ns whatever the length. */
function readLongString(bytes: Uint8Array, lengthAt: number, place: string): string {
  const start = afterVarint(bytes, lengthAt, bytes.length);
  return decodeUtf8(bytes, start, start + readUint32(bytes, lengthAt)) ?? refuseUtf8(lengthAt, place);
}

function refuseUtf8(at: number, place: string): never {
  throw new AepError('AEP_MESSAGE_MALFORMED', 'reject', `${place}: not valid UTF-8 at byte ${at}`, {
    field: place,
    offset: at,
  });
}
