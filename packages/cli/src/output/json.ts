/** JSON on one line. 64-bit numbers become decimal strings, as in ProtoJSON; bytes become hexadecimal. */
export function toJsonLine(value: unknown): string {
  return JSON.stringify(value, replace) ?? 'null';
}

/** JSON for people: indented. */
export function toJsonText(value: unknown): string {
  return JSON.stringify(value, replace, 2) ?? 'null';
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

function replace(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Uint8Array ? toHex(value) : value;
}
