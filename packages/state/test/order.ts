import { Entity, type EntityType, type JsonValue } from '@aep/messages';

/** An entity as the generator would write it, by hand: `message Order { string note = 1; uint32 quantity = 2; }`. */
export class Order extends Entity {
  static readonly $type: EntityType<Order> = { fullName: 'test.Order', fields: [], create: () => new Order() };

  private noteValue = '';
  private quantityValue = 0;

  get $type(): EntityType<Order> {
    return Order.$type;
  }

  get note(): string {
    this.$check();
    return this.noteValue;
  }

  set note(value: string) {
    this.$beforeChange();
    this.noteValue = value;
  }

  get quantity(): number {
    this.$check();
    return this.quantityValue;
  }

  set quantity(value: number) {
    this.$beforeChange();
    this.quantityValue = value;
  }

  override $reset(): void {
    this.noteValue = '';
    this.quantityValue = 0;
  }

  override $encodedSizeMax(): number {
    return 16 + 3 * this.noteValue.length;
  }

  override $encodedSize(): number {
    return this.$encodeTo(new Uint8Array(this.$encodedSizeMax()), 0);
  }

  override $encodeTo(target: Uint8Array, offset: number): number {
    let end = offset;
    if (this.noteValue !== '') {
      const bytes = Buffer.from(this.noteValue, 'utf8');
      target[end] = 0x0a;
      end = writeVarint(target, end + 1, bytes.length);
      target.set(bytes, end);
      end += bytes.length;
    }
    if (this.quantityValue !== 0) {
      target[end] = 0x10;
      end = writeVarint(target, end + 1, this.quantityValue);
    }
    return end;
  }

  override $mergeFrom(bytes: Uint8Array, start: number, end: number): void {
    let offset = start;
    const varint = (): number => {
      let value = 0;
      for (let scale = 1; offset < end; scale *= 128) {
        const byte = bytes[offset++]!;
        value += (byte & 0x7f) * scale;
        if (byte < 0x80) return value;
      }
      throw new Error('a varint is cut off');
    };
    while (offset < end) {
      const tag = bytes[offset++];
      if (tag === 0x0a) {
        const length = varint();
        this.noteValue = Buffer.from(bytes.subarray(offset, offset + length)).toString('utf8');
        offset += length;
      } else if (tag === 0x10) this.quantityValue = varint();
      else throw new Error(`unknown tag ${tag}`);
    }
  }

  override toJSON(): JsonValue {
    this.$check();
    return { note: this.noteValue, quantity: this.quantityValue };
  }
}

function writeVarint(target: Uint8Array, offset: number, value: number): number {
  let rest = value;
  while (rest >= 0x80) {
    target[offset++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 128);
  }
  target[offset++] = rest;
  return offset;
}
