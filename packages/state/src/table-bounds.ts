import { AepError } from '@aep/kernel';
import { Entity, type EntityType, type JsonValue } from '@aep/messages';

/**
 * First and one-past-last position of a table, kept as an ordinary durable entry (table {@link Table.collectionSizes}, key:
 * the table's id), so that it is undone, journaled and folded like everything else. A queue moves both ends, and its
 * positions never come back, even when it was empty at a restart; a keyed collection moves only `end`. The size is their distance.
 *
 * Wire format: `message TableBounds { uint64 first = 1; uint64 end = 2; }`; both stay safe integers.
 */
export class TableBounds extends Entity {
  static readonly $type: EntityType<TableBounds> = {
    fullName: 'aep.TableBounds',
    fields: [],
    create: () => new TableBounds(),
  };

  private firstPosition = 0;
  private endPosition = 0;

  get $type(): EntityType<TableBounds> {
    return TableBounds.$type;
  }

  get first(): number {
    return this.firstPosition;
  }

  set first(value: number) {
    this.$beforeChange();
    this.firstPosition = value;
  }

  get end(): number {
    return this.endPosition;
  }

  set end(value: number) {
    this.$beforeChange();
    this.endPosition = value;
  }

  get size(): number {
    return this.endPosition - this.firstPosition;
  }

  override $reset(): void {
    this.firstPosition = 0;
    this.endPosition = 0;
  }

  override $encodedSizeMax(): number {
    return 2 * (1 + VARINT_BYTES_MAX);
  }

  override $encodedSize(): number {
    return fieldSize(this.firstPosition) + fieldSize(this.endPosition);
  }

  override $encodeTo(target: Uint8Array, offset: number): number {
    return writeField(target, writeField(target, offset, FIRST_TAG, this.firstPosition), END_TAG, this.endPosition);
  }

  override $mergeFrom(bytes: Uint8Array, start: number, end: number): void {
    let offset = start;
    while (offset < end) {
      const tag = bytes[offset++];
      let value = 0;
      let scale = 1;
      let byte = 0x80;
      for (; byte >= 0x80 && offset < end; scale *= 0x80) {
        byte = bytes[offset++]!;
        value += (byte & 0x7f) * scale;
      }
      if (byte >= 0x80 || value > Number.MAX_SAFE_INTEGER || (tag !== FIRST_TAG && tag !== END_TAG)) throw malformed();
      if (tag === FIRST_TAG) this.firstPosition = value;
      else this.endPosition = value;
    }
    if (this.endPosition < this.firstPosition) throw malformed();
  }

  override toJSON(): JsonValue {
    return { first: this.firstPosition, end: this.endPosition };
  }
}

function fieldSize(value: number): number {
  if (value === 0) return 0;
  let size = 2;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

function writeField(target: Uint8Array, offset: number, tag: number, value: number): number {
  if (value === 0) return offset;
  target[offset++] = tag;
  let rest = value;
  while (rest >= 0x80) {
    target[offset++] = (rest & 0x7f) | 0x80;
    rest = rest < 0x8000_0000 ? rest >>> 7 : Math.floor(rest / 0x80);
  }
  target[offset++] = rest;
  return offset;
}

function malformed(): AepError {
  return new AepError('AEP_STATE_ENTRY_INVALID', 'fatal', 'the bytes are not the bounds of a table');
}

/** Field number and wire type 0 (varint). */
const FIRST_TAG = 1 << 3;
const END_TAG = 2 << 3;
const VARINT_BYTES_MAX = 8;
