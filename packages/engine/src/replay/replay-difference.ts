import { AepError } from '@aep/kernel';
import type { MessageType } from '@aep/messages';
import { LocalCause, type RecordReader, Section, Table } from '@aep/store';
import type { OpenTransaction } from '../transaction/open-transaction.js';

/** The first place where a replay does not give what the journal holds. */
export interface ReplayDifference {
  readonly txId: number;
  /** What was handled: `bank.Deposit from deposits@bank`, or the name of a command. */
  readonly cause: string;
  /** `outbound[0].key`, `outbound count`, `timers[0].value`, `state` … */
  readonly field: string;
  readonly expected: string;
  readonly got: string;
}

/** As an error for alerts and reports; the same wherever a replay is compared. */
export function replayDiffers(engine: string, difference: ReplayDifference): AepError {
  const { txId, cause, field, expected, got } = difference;
  return new AepError(
    'AEP_REPLAY_DIFFERS',
    'reject',
    `replay of transaction ${txId} (${cause}) differs in ${field}: the journal has ${expected}, the handlers made ${got}: they must be deterministic (time, random numbers and ids come from the engine)`,
    { engine, txId, cause, field, expected, got },
  );
}

/**
 * Compares what handlers have just done in a transaction with what its record says: messages, timers and, where the record
 * has one, the digest of the state after it (E60, H11).
 *
 * @param digest of the state now; called only when the record has one
 */
export function findDifference(
  reader: RecordReader,
  transaction: OpenTransaction,
  digest: () => Uint8Array,
): Omit<ReplayDifference, 'cause'> | undefined {
  return new Comparison(reader, transaction).run(digest);
}

class Comparison {
  private found: Omit<ReplayDifference, 'cause'> | undefined;
  private outbound = 0;
  private timers = 0;
  /** The record of a due timer begins with its removal, or its next due time: that was not the handlers' work. */
  private ownTimer: string | undefined;

  constructor(
    private readonly reader: RecordReader,
    private readonly transaction: OpenTransaction,
  ) {}

  run(digest: () => Uint8Array): Omit<ReplayDifference, 'cause'> | undefined {
    const { reader, transaction } = this;
    let expectedDigest: Uint8Array | undefined;
    reader.rewind();
    while (this.found === undefined && reader.next()) {
      if (reader.tag === Section.localCause && reader.localKind === LocalCause.timer) this.ownTimer = reader.label;
      if (reader.tag === Section.outbound) this.compareOutbound();
      if (reader.tag !== Section.put && reader.tag !== Section.delete) continue;
      if (reader.tableId === Table.timers) this.compareTimer();
      if (reader.tableId === Table.stateDigest) expectedDigest = contentOf(reader);
    }
    this.note('outbound count', String(this.outbound), String(transaction.draftCount));
    this.note('timers count', String(this.timers), String(timersOf(transaction).length));
    if (expectedDigest !== undefined && this.found === undefined)
      this.note('state', hex(expectedDigest), hex(digest()));
    return this.found;
  }

  private note(field: string, expected: string, got: string): void {
    if (expected !== got) this.found ??= { txId: this.reader.txId, field, expected, got };
  }

  private compareOutbound(): void {
    const { reader, transaction } = this;
    const index = this.outbound++;
    const draft = index < transaction.draftCount ? transaction.drafts[index]! : undefined;
    if (draft === undefined) return;
    const place = `outbound[${index}]`;
    this.note(`${place}.channel`, `${reader.channelName()}@${reader.busName()}`, draft.port.where);
    this.note(`${place}.key`, reader.key, draft.key);
    this.note(`${place}.flow`, String(reader.flow), String(draft.flow));
    this.note(`${place}.typeId`, String(reader.typeId), String(draft.message.$type.typeId));
    const expected = contentOf(reader);
    const got = draft.message.toBytes();
    if (this.found !== undefined || Buffer.compare(expected, got) === 0) return;
    const field = firstDifference(draft.message.$type, expected, got);
    if (field === undefined) this.note(`${place}.bytes`, hex(expected), hex(got));
    else this.note(`${place}.${field.path}`, field.expected, field.got);
  }

  private compareTimer(): void {
    const { reader } = this;
    const id = Buffer.from(reader.bytes.subarray(reader.keyStart, reader.keyEnd)).toString('utf8');
    if (id === this.ownTimer) {
      this.ownTimer = undefined;
      return;
    }
    const index = this.timers++;
    const change = timersOf(this.transaction)[index];
    if (change === undefined) return;
    this.note(`timers[${index}].id`, id, Buffer.from(change.key).toString('utf8'));
    const expected = reader.tag === Section.delete ? 'cancelled' : hex(contentOf(reader));
    this.note(`timers[${index}].value`, expected, change.value === undefined ? 'cancelled' : hex(change.value));
  }
}

function timersOf({ changes }: OpenTransaction): OpenTransaction['changes'] {
  return changes.length === 0 ? changes : changes.filter(({ tableId }) => tableId === Table.timers);
}

export function contentOf(reader: RecordReader): Uint8Array {
  return reader.bytes.subarray(reader.contentStart, reader.contentEnd);
}

interface FieldDifference {
  readonly path: string;
  readonly expected: string;
  readonly got: string;
}

/** The first field that two encodings of a message do not share, by its path in ProtoJSON; undefined when that shows none. */
function firstDifference(type: MessageType, expected: Uint8Array, got: Uint8Array): FieldDifference | undefined {
  return differingField('', jsonOf(type, expected), jsonOf(type, got));
}

function differingField(path: string, expected: unknown, got: unknown): FieldDifference | undefined {
  if (isTree(expected) && isTree(got)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(got)])) {
      const found = differingField(path === '' ? key : `${path}.${key}`, expected[key], got[key]);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  return expected === got
    ? undefined
    : { path, expected: JSON.stringify(expected) ?? 'not set', got: JSON.stringify(got) ?? 'not set' };
}

function isTree(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function jsonOf(type: MessageType, bytes: Uint8Array): unknown {
  const view = type.wrap(bytes, 0, bytes.length);
  const json = view.toJSON();
  view.dispose();
  return json;
}

const SHOWN_BYTES_MAX = 64;

function hex(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.subarray(0, SHOWN_BYTES_MAX)).toString('hex');
  return bytes.length > SHOWN_BYTES_MAX ? `${shown}… (${describeBytes(bytes)})` : shown;
}

/** Length and a short fingerprint: enough to see that two differ. */
export function describeBytes(bytes: Uint8Array): string {
  let hash = 0;
  for (const byte of bytes) hash = (Math.imul(hash, 31) + byte) | 0;
  return `${bytes.length} bytes #${(hash >>> 0).toString(16)}`;
}
