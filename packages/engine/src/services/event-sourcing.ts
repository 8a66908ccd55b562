import { AepError, describeError } from '@aep/kernel';
import type { MessageType } from '@aep/messages';
import { disposeOwned } from '@aep/messages/internal';
import { LocalCause, RecordFlag, RecordReader, Section, Table } from '@aep/store';
import type { StateCodec } from '../app/app-definition.js';
import type { EngineCore } from '../engine-core.js';
import type { LocalRequest } from '../transaction/work.js';
import { findCommand } from './commands.js';
import { decodeEntry, encodeEntry, orderedNumber } from './system-entry.js';

/** The first place where a replay does not give what the journal holds. */
export interface ReplayDifference {
  readonly txId: number;
  /** `outbound[0].key`, `outbound count`, `state` … */
  readonly field: string;
  readonly expected: string;
  readonly got: string;
}

export interface ReplayReport {
  readonly fromTxId: number;
  readonly toTxId: number;
  readonly replayed: number;
  readonly difference: ReplayDifference | undefined;
}

interface SnapshotHead {
  readonly txId: number;
  readonly chunks: number;
}

const CHUNK_BYTES = 8 * 1024 * 1024;

/**
 * The state of an event-sourced application (E60): rebuilt by handing journaled messages to the handlers again, from the
 * last snapshot on. A snapshot is a transaction of its own that puts the saved state into a table, so that it is journaled,
 * replicated and folded like everything else.
 */
export class EventSourcing {
  /** Transactions up to here are in the last snapshot. */
  snapshotTxId = 0;
  private chunks = 0;

  constructor(
    private readonly core: EngineCore,
    private readonly codec: StateCodec,
  ) {}

  /** Loads the snapshot and replays what came after it; the result becomes the pipeline's state. Nothing is sent. */
  async rebuild(): Promise<void> {
    const { pipeline } = this.core;
    pipeline.state = this.loadSnapshot();
    await this.replay(pipeline.state, undefined);
  }

  /**
   * Replays from the last snapshot into a fresh state and compares outbound messages and, at the end, the state. To be called
   * while the engine is idle.
   */
  async verify(): Promise<ReplayReport> {
    const { pipeline, store } = this.core;
    const stage = pipeline.stage;
    pipeline.stage = 'rebuilding';
    try {
      const state = this.loadSnapshot();
      const differences: ReplayDifference[] = [];
      const replayed = await this.replay(state, differences);
      const expected = Buffer.from(this.codec.save(pipeline.state));
      const got = Buffer.from(this.codec.save(state));
      if (differences.length === 0 && !expected.equals(got)) {
        differences.push({
          txId: store.journal.stableTxId,
          field: 'state',
          expected: `${expected.length} bytes ${fingerprint(expected)}`,
          got: `${got.length} bytes ${fingerprint(got)}`,
        });
      }
      return {
        fromTxId: this.snapshotTxId + 1,
        toTxId: store.journal.stableTxId,
        replayed,
        difference: differences[0],
      };
    } finally {
      if (pipeline.stage === 'rebuilding') pipeline.stage = stage;
      this.core.onWake(); // what came meanwhile waits
    }
  }

  /** Asks for a snapshot when enough transactions have passed. */
  snapshotIfDue(): void {
    const { options, store } = this.core;
    const { snapshotEvery } = options.limits;
    if (snapshotEvery === 0 || this.isAsked || store.journal.lastTxId - this.snapshotTxId < snapshotEvery) return;
    this.isAsked = true;
    // A full queue only means: next time.
    if (this.core.offer(this.snapshotRequest()) !== 'accepted') this.isAsked = false;
  }

  private isAsked = false;

  private snapshotRequest(): LocalRequest {
    const done = (): void => void (this.isAsked = false);
    return {
      origin: 'command',
      cause: LocalCause.command,
      label: 'snapshot',
      prepare: (transaction) => {
        const saved = this.codec.save(this.core.pipeline.state);
        const txId = this.core.store.journal.lastTxId;
        const chunks = Math.ceil(saved.length / CHUNK_BYTES);
        const head: SnapshotHead = { txId, chunks };
        transaction.change({
          tableId: Table.snapshot,
          key: orderedNumber(0),
          value: encodeEntry(head, NO_BYTES),
          onSealed: () => {
            this.snapshotTxId = txId;
            this.chunks = chunks;
            this.core.retention.snapshotTaken(txId, txId + 1);
          },
        });
        for (let index = 0; index < Math.max(chunks, this.chunks); index++) {
          const value = index < chunks ? saved.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES) : undefined;
          transaction.change({ tableId: Table.snapshot, key: orderedNumber(index + 1), value });
        }
        return 'run';
      },
      onStable: done,
      onFailed: done,
    };
  }

  private loadSnapshot(): unknown {
    const { tables } = this.core.store;
    const entry = tables.get(Table.snapshot, orderedNumber(0));
    if (entry === undefined) {
      this.snapshotTxId = 0;
      return this.codec.create();
    }
    const head = decodeEntry(entry).head as SnapshotHead;
    const parts: Uint8Array[] = [];
    for (let index = 0; index < head.chunks; index++) parts.push(tables.get(Table.snapshot, orderedNumber(index + 1))!);
    this.snapshotTxId = head.txId;
    this.chunks = head.chunks;
    this.core.retention.snapshotTaken(head.txId, 0);
    return this.codec.load(Buffer.concat(parts));
  }

  private async replay(state: unknown, differences: ReplayDifference[] | undefined): Promise<number> {
    const { journal } = this.core.store;
    const from = this.snapshotTxId + 1;
    if (from < journal.firstTxId && journal.stableTxId >= from) throw historyGone(from, journal.firstTxId);
    const reader = new RecordReader();
    let replayed = 0;
    for (const record of journal.stableTxId >= from ? journal.read(from) : []) {
      reader.open(record.bytes);
      if ((reader.flags & RecordFlag.quarantined) !== 0) continue;
      replayed += await this.replayRecord(reader, state, differences);
    }
    return replayed;
  }

  private async replayRecord(
    reader: RecordReader,
    state: unknown,
    differences: ReplayDifference[] | undefined,
  ): Promise<number> {
    const { core } = this;
    const { transaction, scope } = core;
    const call = this.originalCall(reader, state);
    if (call === undefined) return 0;
    transaction.begin(reader.txId, reader.timeMs, reader.seed);
    try {
      // In its scope: other code that runs while a handler is awaited must not send into a transaction that is thrown away.
      await scope.run(transaction.ordinal, call.run);
      if (differences?.length === 0) this.compare(reader, differences);
    } catch (error) {
      throw new AepError(
        'AEP_REPLAY_FAILED',
        'fatal',
        `replay of transaction ${reader.txId} threw where the original did not: handlers must be deterministic: ${describeError(error)}`,
        { txId: reader.txId },
        error,
      );
    } finally {
      if (transaction.isOpen) transaction.rollback();
      call.dispose();
    }
    return 1;
  }

  /** What was called for a record: the handlers of its message, or a command. Undefined for other records. */
  private originalCall(reader: RecordReader, state: unknown): OriginalCall | undefined {
    const { core } = this;
    const source = findMessage(reader);
    if (source === undefined) return undefined;
    if (source.command !== undefined) {
      const spec = findCommand(core.options.app.commands, source.command);
      const args = JSON.parse(Buffer.from(contentOf(reader)).toString('utf8')) as Record<string, unknown>;
      return { run: async () => void (await spec.call(args, state)), dispose: () => undefined };
    }
    const { pipeline, handlers } = core;
    const type = handlers.types.find(reader.factoryId, reader.typeId);
    if (type === undefined) throw typeGone(reader);
    const message = type.wrap(reader.bytes, reader.contentStart, reader.contentEnd);
    const port = core.messaging.buses.get(source.bus)?.channels.get(source.channel);
    const { event } = pipeline;
    event.message = message;
    event.origin = port === undefined ? 'injected' : 'bus';
    event.bus = port?.bus.name ?? '';
    event.channel = port?.description.name ?? '';
    event.key = reader.key;
    event.metadata = undefined;
    event.attempt = 1;
    const { links } = handlers.chainFor(type, port?.slot ?? 0, port?.source);
    return {
      run: async () => {
        for (const link of links) await link.call(message, state, event);
      },
      dispose: () => disposeOwned(message),
    };
  }

  /** Compares what the handlers sent with the record's outbound sections. */
  private compare(reader: RecordReader, differences: ReplayDifference[]): void {
    const { transaction } = this.core;
    const note = (field: string, expected: string, got: string): void => {
      if (expected !== got) differences.push({ txId: reader.txId, field, expected, got });
    };
    let index = 0;
    reader.rewind();
    while (reader.next()) {
      if (reader.tag !== Section.outbound) continue;
      const draft = index < transaction.draftCount ? transaction.drafts[index]! : undefined;
      const place = `outbound[${index++}]`;
      if (draft === undefined) continue;
      note(`${place}.channel`, `${reader.channelName()}@${reader.busName()}`, draft.port.where);
      note(`${place}.key`, reader.key, draft.key);
      note(`${place}.typeId`, String(reader.typeId), String(draft.message.$type.typeId));
      const expected = contentOf(reader);
      const got = draft.message.toBytes();
      if (Buffer.compare(expected, got) === 0) continue;
      const field = firstDifference(draft.message.$type, expected, got);
      if (field === undefined) note(`${place}.bytes`, hex(expected), hex(got));
      else note(`${place}.${field.path}`, field.expected, field.got);
    }
    note('outbound count', String(index), String(transaction.draftCount));
  }
}

const NO_BYTES = new Uint8Array(0);

interface OriginalCall {
  readonly run: () => Promise<void>;
  readonly dispose: () => void;
}

interface MessageSource {
  /** Empty for messages from inside the process. */
  readonly bus: string;
  readonly channel: string;
  /** Name of the command when that, and no message, was called. */
  readonly command: string | undefined;
}

/** Positions the reader at the record's message or command arguments; undefined when it has neither. */
function findMessage(reader: RecordReader): MessageSource | undefined {
  let source: MessageSource = { bus: '', channel: '', command: undefined };
  let label = '';
  while (reader.next()) {
    if (reader.tag === Section.inboundCause)
      source = { bus: reader.busName(), channel: reader.channelName(), command: undefined };
    if (reader.tag === Section.localCause) label = reader.label;
    if (reader.tag !== Section.message) continue;
    // No message has factory 0 and type 0: those are the arguments of a command.
    return reader.factoryId === 0 && reader.typeId === 0 ? { ...source, command: label } : source;
  }
  return undefined;
}

function contentOf(reader: RecordReader): Uint8Array {
  return reader.bytes.subarray(reader.contentStart, reader.contentEnd);
}

/** The first field that two encodings of a message do not share, by its path in ProtoJSON; undefined when that shows none. */
function firstDifference(type: MessageType, expected: Uint8Array, got: Uint8Array): FieldDifference | undefined {
  return differingField('', jsonOf(type, expected), jsonOf(type, got));
}

interface FieldDifference {
  readonly path: string;
  readonly expected: string;
  readonly got: string;
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

function hex(bytes: Uint8Array): string {
  const shown = Buffer.from(bytes.subarray(0, 64)).toString('hex');
  return bytes.length > 64 ? `${shown}… (${bytes.length} bytes ${fingerprint(bytes)})` : shown;
}

function fingerprint(bytes: Uint8Array): string {
  let hash = 0;
  for (const byte of bytes) hash = (Math.imul(hash, 31) + byte) | 0;
  return `#${(hash >>> 0).toString(16)}`;
}

function historyGone(from: number, first: number): AepError {
  return new AepError(
    'AEP_REPLAY_HISTORY_GONE',
    'fatal',
    `the state must be replayed from transaction ${from}, and the journal begins at ${first}: the store is damaged or was trimmed by hand`,
    {
      from,
      first,
    },
  );
}

function typeGone(reader: RecordReader): AepError {
  return new AepError(
    'AEP_REPLAY_TYPE_UNKNOWN',
    'fatal',
    `transaction ${reader.txId} was caused by type ${reader.typeId} of factory ${reader.factoryId}, which the application does not know any more: keep its factory`,
    {
      txId: reader.txId,
    },
  );
}
