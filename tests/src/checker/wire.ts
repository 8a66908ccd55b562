/** Fields of a protobuf message by number, as they stand on the wire: enough for messages without groups or packed numbers. */
export class WireMessage {
  private readonly numbers = new Map<number, bigint>();
  private readonly texts = new Map<number, Buffer>();

  constructor(bytes: Buffer) {
    let at = 0;
    const varint = (): bigint => {
      let value = 0n;
      for (let shift = 0n; ; shift += 7n) {
        const byte = bytes[at++];
        if (byte === undefined) throw new RangeError('a protobuf number reaches past its message');
        value |= BigInt(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
      }
    };
    while (at < bytes.length) {
      const head = Number(varint());
      if ((head & 7) === 0) this.numbers.set(head >>> 3, BigInt.asIntN(64, varint()));
      else if ((head & 7) === 2) {
        const length = Number(varint());
        this.texts.set(head >>> 3, bytes.subarray(at, at + length));
        at += length;
      } else throw new RangeError(`wire type ${head & 7} is not read here`);
    }
  }

  number(field: number): bigint {
    return this.numbers.get(field) ?? 0n;
  }

  text(field: number): string {
    return this.texts.get(field)?.toString('utf8') ?? '';
  }
}
