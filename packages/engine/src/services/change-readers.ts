import { AepError } from '@aep/kernel';
import {
  changes,
  LocalCause,
  readerFactKey,
  readerFactValue,
  RecordReader,
  Section,
  type StoredRecord,
  Table,
} from '@aep/store';
import type { EngineCore } from '../engine-core.js';
import type { OpenTransaction } from '../transaction/open-transaction.js';
import type { LocalRequest } from '../transaction/work.js';

export interface ChangeReaderOptions {
  /** A durable reader: its saved position survives restarts, and the journal keeps what it has not read (E104). */
  readonly name?: string;
  /** The first transaction wanted. @default one after the saved position; the oldest kept for a new name; the next one without a name */
  readonly from?: number;
  /** Ends the iteration, also while it waits. */
  readonly signal?: AbortSignal;
  /** End when all stable transactions were read, instead of waiting for more. @default false */
  readonly untilEnd?: boolean;
}

/** What a reader asks of its engine. */
export interface ChangeReaderPort {
  readonly core: EngineCore;
  /** Aborted when the engine stops. */
  readonly stopping: AbortSignal;
  readonly openTransaction: () => OpenTransaction | undefined;
}

const SAVE_LABEL = 'reader ';

/**
 * The stable transactions of an engine, in order, then the new ones as they come (E103). Effects are exactly once when the
 * position is saved with them: from a handler, `save` is part of its transaction.
 *
 * @example
 * const reader = engine.changes({ name: 'search-index' });
 * for await (const { txId, bytes } of reader) { index(bytes); await reader.save(txId); }
 */
export class ChangeReader implements AsyncIterable<StoredRecord> {
  constructor(
    private readonly options: ChangeReaderOptions,
    private readonly port: ChangeReaderPort,
  ) {}

  /** The saved position; undefined for a reader without a name, or before its first save. */
  get position(): number | undefined {
    const { name } = this.options;
    return name === undefined ? undefined : this.port.core.retention.readers.position(name);
  }

  /**
   * Everything up to `txId` is done with. Inside a handler it is part of the transaction and the promise resolves at once;
   * outside it is a transaction of its own and the promise resolves at its stability.
   *
   * @throws AEP_READER_NAME, AEP_READER_POSITION; outside of handlers AEP_ENGINE_BUSY, AEP_ENGINE_STOPPED
   */
  async save(txId: number): Promise<void> {
    const { core } = this.port;
    const name = this.nameFor('save');
    const { stableTxId } = core.store.journal;
    if (!Number.isSafeInteger(txId) || txId < 0 || txId > stableTxId) throw positionInvalid(name, txId, stableTxId);
    await this.change(name, readerFactValue(txId), () => core.retention.readers.saved(name, txId));
  }

  /** The reader is gone for good: the journal keeps nothing for it any more. */
  async remove(): Promise<void> {
    const name = this.nameFor('remove');
    await this.change(name, undefined, () => this.port.core.retention.readers.removed(name));
  }

  async *[Symbol.asyncIterator](): AsyncIterator<StoredRecord> {
    const { core, stopping } = this.port;
    const { signal, untilEnd = false } = this.options;
    const from = await this.begin();
    const ended = signal === undefined ? stopping : AbortSignal.any([signal, stopping]);
    const reader = new RecordReader();
    for await (const record of changes(core.store.journal, {
      from,
      clock: core.options.clock,
      untilEnd,
      signal: ended,
    })) {
      // A save is a transaction too; a reader that was shown them would save for ever.
      if (!isSave(reader, record)) yield record;
    }
  }

  /** Where to begin; a new name is registered before the first record is read, so that trimming cannot overtake it. */
  private async begin(): Promise<number> {
    const { core } = this.port;
    const { name, from } = this.options;
    const { journal } = core.store;
    if (name === undefined) return from ?? journal.stableTxId + 1;
    const saved = this.position;
    if (saved === undefined) await this.save((from ?? journal.firstTxId) - 1);
    return from ?? (saved === undefined ? journal.firstTxId : saved + 1);
  }

  private async change(name: string, value: Uint8Array | undefined, onStable: () => void): Promise<void> {
    const key = readerFactKey(name);
    const apply = (transaction: OpenTransaction): void => {
      transaction.change({ tableId: Table.facts, key, value });
      transaction.callbacks.push(onStable);
    };
    const open = this.port.openTransaction();
    if (open !== undefined) {
      apply(open);
      return;
    }
    const request: LocalRequest = {
      origin: 'unsolicited',
      cause: LocalCause.unsolicited,
      label: `${SAVE_LABEL}${name}`,
      prepare: (transaction) => {
        apply(transaction);
        return 'run';
      },
    };
    await this.port.core.submit(request);
  }

  private nameFor(call: string): string {
    const { name } = this.options;
    if (name !== undefined) return name;
    throw new AepError('AEP_READER_NAME', 'reject', `${call}: only a reader with a name has a saved position`, {});
  }
}

function isSave(reader: RecordReader, record: StoredRecord): boolean {
  reader.open(record.bytes);
  let sections = 0;
  let isLabelled = false;
  while (reader.next()) {
    sections++;
    if (reader.tag === Section.localCause) isLabelled = reader.label.startsWith(SAVE_LABEL);
    else if (!isLabelled || reader.tableId !== Table.facts) return false;
  }
  return isLabelled && sections === 2;
}

function positionInvalid(name: string, txId: number, stableTxId: number): AepError {
  return new AepError(
    'AEP_READER_POSITION',
    'reject',
    `reader "${name}": a position is a transaction that was read, 0 to ${stableTxId}; got ${txId}`,
    { reader: name, txId, stableTxId },
  );
}
