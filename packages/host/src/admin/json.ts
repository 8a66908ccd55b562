/** Replies hold 64-bit numbers and bytes; JSON has neither: decimal text, as in ProtoJSON, and base64. */
export function toJson(payload: unknown): string {
  return JSON.stringify(payload, (_key, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value;
  });
}
