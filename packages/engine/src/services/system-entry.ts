/**
 * Entries of system tables that people may want to read: a JSON head, then the bytes of a message.
 * `u32 head length (little-endian), head, message`.
 */
export function encodeEntry(head: object, content: Uint8Array): Uint8Array {
  const headBytes = Buffer.from(JSON.stringify(head), 'utf8');
  const entry = new Uint8Array(4 + headBytes.length + content.length);
  new DataView(entry.buffer).setUint32(0, headBytes.length, true);
  entry.set(headBytes, 4);
  entry.set(content, 4 + headBytes.length);
  return entry;
}

export function decodeEntry(entry: Uint8Array): { readonly head: unknown; readonly content: Uint8Array } {
  const length = new DataView(entry.buffer, entry.byteOffset, entry.byteLength).getUint32(0, true);
  const head = JSON.parse(Buffer.from(entry.buffer, entry.byteOffset + 4, length).toString('utf8')) as unknown;
  return { head, content: entry.subarray(4 + length) };
}

/** An unsigned number as 8 bytes whose byte order is its numeric order (big-endian, up to 2^53). */
export function orderedNumber(value: number): Uint8Array {
  const key = new Uint8Array(8);
  const view = new DataView(key.buffer);
  view.setUint32(0, Math.floor(value / 0x1_0000_0000));
  view.setUint32(4, value >>> 0);
  return key;
}

export function readOrderedNumber(key: Uint8Array): number {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  return view.getUint32(0) * 0x1_0000_0000 + view.getUint32(4);
}
