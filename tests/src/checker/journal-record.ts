/**
 * Reads records of a journal by the layout that `record-layout.ts` documents, and by nothing else of the engine: what
 * writes a record must not be what says that it is right.
 */
export interface JournalRecord {
  readonly txId: number;
  readonly epoch: number;
  readonly flags: number;
  readonly previousHash: string;
  readonly hash: string;
  /** The hash that the bytes really have. */
  readonly computedHash: string;
  readonly cause: RecordCause | undefined;
  readonly label: string | undefined;
  readonly outbound: readonly RecordOutbound[];
  readonly changes: readonly RecordChange[];
}

/** Bus, channel and quality of service, with the bytes that stand for them in keys of tables. */
export interface ChannelTag {
  readonly bytes: Buffer;
  readonly qos: number;
  readonly bus: string;
  readonly channel: string;
}

export interface RecordCause {
  readonly tag: ChannelTag;
  readonly senderId: number;
  readonly incarnation: number;
  readonly flow: number;
  readonly sno: number;
  readonly channelSno: number;
}

export interface RecordOutbound {
  readonly tag: ChannelTag;
  readonly flow: number;
  readonly sno: number;
  readonly channelSno: number;
  readonly factoryId: number;
  readonly typeId: number;
  readonly content: Buffer;
}

/** An undefined value deletes. */
export interface RecordChange {
  readonly tableId: number;
  readonly key: Buffer;
  readonly value: Buffer | undefined;
}

/** The bytes break the layout; what stands before them has been read. */
export class LayoutError extends Error {}

const HEADER_BYTES = 48;
export const QUARANTINED = 2;

const SECTION = { inboundCause: 1, localCause: 2, put: 4, delete: 5, outbound: 6 } as const;
/** All records of one value of the journal, which lie one after another. @throws LayoutError */
export function decodeRun(run: Buffer): JournalRecord[] {
  const records: JournalRecord[] = [];
  for (let at = 0; at < run.length;) {
    if (run.length - at < HEADER_BYTES) throw new LayoutError(`${run.length - at} bytes are left, a header has 48`);
    const length = run.readUInt32LE(at);
    if (length < HEADER_BYTES || at + length > run.length)
      throw new LayoutError(`a record says that it has ${length} bytes`);
    records.push(decodeRecord(run.subarray(at, at + length)));
    at += length;
  }
  return records;
}

function decodeRecord(record: Buffer): JournalRecord {
  let cause: RecordCause | undefined;
  let label: string | undefined;
  const outbound: RecordOutbound[] = [];
  const changes: RecordChange[] = [];
  const computedHash = hashOf(record);
  const hash = record.subarray(40, 48).toString('hex');
  // The sections of a damaged record say nothing; that it is damaged is found by its hash.
  const end = hash === computedHash ? record.length : 0;
  for (let at = HEADER_BYTES; at < end;) {
    const head = record.readUInt32LE(at);
    const section = new Section(record.subarray(at + 4, at + 4 + (head >>> 8)));
    at += 4 + (head >>> 8);
    const tag = head & 0xff;
    if (tag === SECTION.inboundCause) cause = readCause(section);
    else if (tag === SECTION.localCause) label = readLabel(section);
    else if (tag === SECTION.outbound) outbound.push(readOutbound(section));
    else if (tag === SECTION.put) changes.push(readPut(section));
    else if (tag === SECTION.delete) changes.push({ tableId: section.varint(), key: section.rest(), value: undefined });
  }
  return {
    txId: record.readUInt32LE(12) + record.readUInt32LE(16) * 2 ** 32,
    epoch: record.readUInt32LE(8),
    flags: record.readUInt16LE(6),
    previousHash: record.subarray(32, 40).toString('hex'),
    hash,
    computedHash,
    cause,
    label,
    outbound,
    changes,
  };
}

function readCause(section: Section): RecordCause {
  return {
    tag: section.channelTag(),
    senderId: section.take(4).readUInt32LE(0),
    incarnation: section.varint(),
    flow: section.varint(),
    sno: section.varint(),
    channelSno: section.varint(),
  };
}

function readLabel(section: Section): string {
  section.take(1);
  return section.text();
}

function readOutbound(section: Section): RecordOutbound {
  const tag = section.channelTag();
  const numbers = { flow: section.varint(), sno: section.varint(), channelSno: section.varint() };
  const type = { factoryId: section.varint(), typeId: section.varint() };
  section.take(8); // time sent
  section.text(); // key
  section.text(); // trace context
  return { tag, ...numbers, ...type, content: section.rest() };
}

function readPut(section: Section): RecordChange {
  const tableId = section.varint();
  const key = section.take(section.varint());
  return { tableId, key, value: section.rest() };
}

class Section {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  take(count: number): Buffer {
    if (this.at + count > this.bytes.length) throw new LayoutError('a field reaches past its section');
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  rest(): Buffer {
    return this.take(this.bytes.length - this.at);
  }

  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.take(1)[0]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  text(): string {
    return this.take(this.varint()).toString('utf8');
  }

  channelTag(): ChannelTag {
    const start = this.at;
    const qos = this.take(1)[0]!;
    const bus = this.take(this.take(1)[0]!).toString('utf8');
    const channel = this.take(this.take(1)[0]!).toString('utf8');
    return { bytes: this.bytes.subarray(start, this.at), qos, bus, channel };
  }
}

/** The hash of a record as the layout describes it: two lanes of 32 bits over all bytes but the hash itself. */
function hashOf(record: Buffer): string {
  const lanes = { low: 0x9e3779b9, high: 0x85ebca6b };
  mix(record.subarray(0, 40), lanes);
  mix(record.subarray(HEADER_BYTES), lanes);
  let low = lanes.low ^ record.length;
  let high = lanes.high ^ Math.imul(record.length, 0x5bd1e995);
  low = Math.imul(low ^ (low >>> 16), 0x85ebca6b) + high;
  high = Math.imul(high ^ (high >>> 13), 0xc2b2ae35) + low;
  low = Math.imul(low ^ (low >>> 15), 0x27d4eb2f) + high;
  high = Math.imul(high ^ (high >>> 16), 0x165667b1) + low;
  const result = Buffer.alloc(8);
  result.writeUInt32LE((low ^ (low >>> 13)) >>> 0, 0);
  result.writeUInt32LE((high ^ (high >>> 15)) >>> 0, 4);
  return result.toString('hex');
}

function mix(bytes: Buffer, lanes: { low: number; high: number }): void {
  const words = bytes.length - (bytes.length % 8);
  for (let at = 0; at < words; at += 8) {
    const low = Math.imul(lanes.low ^ bytes.readInt32LE(at), 0xcc9e2d51);
    lanes.low = ((low << 13) | (low >>> 19)) + lanes.high;
    const high = Math.imul(lanes.high ^ bytes.readInt32LE(at + 4), 0x1b873593);
    lanes.high = ((high << 17) | (high >>> 15)) + lanes.low;
  }
  for (let at = words; at < bytes.length; at++) {
    const low = Math.imul(lanes.low ^ bytes[at]!, 0xcc9e2d51);
    lanes.low = ((low << 13) | (low >>> 19)) + lanes.high;
    lanes.high = Math.imul(lanes.high, 0x1b873593) + lanes.low;
  }
}
