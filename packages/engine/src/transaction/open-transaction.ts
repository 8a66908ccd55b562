import { assert, SeededRandom } from '@aep/kernel';
import { giveAway, takeBack } from '@aep/messages/internal';
import type { MessageView } from '@aep/messages';
import type { Savepoint as StateSavepoint, StateSpace } from '@aep/state';
import type { ChannelPort } from '../messaging/channel-port.js';
import type { AckToken } from '../services/ack-token.js';

/** What a send may say beside message and key. */
export interface DraftOptions {
  readonly flow?: number;
  readonly traceparent?: string;
}

/** A message that a handler has sent and that is not sealed yet. */
export interface Draft {
  port: ChannelPort;
  message: MessageView;
  key: string;
  flow: number;
  traceparent: string;
}

/** A change of a system table (timer, dead letter, idempotency key) that becomes part of the record. */
export interface SystemChange {
  readonly tableId: number;
  readonly key: Uint8Array;
  /** Undefined deletes. */
  readonly value: Uint8Array | undefined;
  /** Called once the transaction is sealed: the service's memory follows its journaled state. */
  readonly onSealed?: (() => void) | undefined;
}

/** A place in a transaction to go back to (E36). Valid until the transaction ends or an earlier savepoint was restored. */
export interface Savepoint {
  readonly transaction: number;
  readonly state: StateSavepoint | undefined;
  readonly drafts: number;
  readonly changes: number;
  readonly callbacks: number;
  readonly ids: number;
}

/**
 * What handlers have done since the transaction was opened: sends, system changes, callbacks; state changes are kept by the
 * state space. One object per engine, used again for each transaction.
 */
export class OpenTransaction {
  isOpen = false;
  /** Counts transactions, to tell a savepoint of an earlier one. */
  ordinal = 0;
  timeMs = 0;
  seed = 0;
  readonly drafts: Draft[] = [];
  draftCount = 0;
  readonly changes: SystemChange[] = [];
  readonly callbacks: (() => void)[] = [];
  ackToken: AckToken | undefined;
  private random: SeededRandom | undefined;
  private ids = 0;

  constructor(private readonly state: StateSpace | undefined) {}

  begin(timeMs: number, seed: number): void {
    assert(!this.isOpen, 'one transaction is open at a time');
    this.isOpen = true;
    this.ordinal++;
    this.timeMs = timeMs;
    this.seed = seed;
    this.random = undefined;
    this.ids = 0;
    this.state?.begin();
  }

  /** The engine owns the message from here on; touching it throws in checked mode (E41). */
  send(port: ChannelPort, message: MessageView, key: string, options: DraftOptions): void {
    giveAway(message, port.where);
    const draft = (this.drafts[this.draftCount] ??= { port, message, key, flow: 0, traceparent: '' });
    draft.port = port;
    draft.message = message;
    draft.key = key;
    draft.flow = options.flow ?? 0;
    draft.traceparent = options.traceparent ?? '';
    this.draftCount++;
  }

  change(change: SystemChange): void {
    this.changes.push(change);
  }

  /** The pending value of a system entry in this transaction; undefined when it has not touched it. */
  findChange(tableId: number, key: Uint8Array): SystemChange | undefined {
    return this.changes.findLast((change) => change.tableId === tableId && Buffer.compare(change.key, key) === 0);
  }

  nextRandom(): number {
    this.random ??= new SeededRandom(this.seed);
    return this.random.float();
  }

  nextId(): number {
    return ++this.ids;
  }

  savepoint(): Savepoint {
    assert(this.isOpen, 'a savepoint belongs to an open transaction');
    return {
      transaction: this.ordinal,
      state: this.state?.savepoint(),
      drafts: this.draftCount,
      changes: this.changes.length,
      callbacks: this.callbacks.length,
      ids: this.ids,
    };
  }

  rollbackTo(savepoint: Savepoint): void {
    assert(this.isOpen && savepoint.transaction === this.ordinal, 'a savepoint is restored in its own transaction');
    if (savepoint.state !== undefined) this.state!.rollbackTo(savepoint.state);
    this.truncate(savepoint.drafts, savepoint.changes, savepoint.callbacks);
  }

  /** Undoes everything (E21) and closes the transaction. */
  rollback(): void {
    this.state?.rollback();
    this.truncate(0, 0, 0);
    this.ackToken = undefined;
    this.isOpen = false;
  }

  /** After the seal: what was handed over is forgotten. The drafts' messages have been encoded and go back to their pools. */
  close(): void {
    this.disposeDrafts(0);
    this.changes.length = 0;
    this.callbacks.length = 0;
    this.ackToken = undefined;
    this.isOpen = false;
  }

  private truncate(drafts: number, changes: number, callbacks: number): void {
    this.disposeDrafts(drafts);
    this.changes.length = changes;
    this.callbacks.length = callbacks;
  }

  private disposeDrafts(keep: number): void {
    for (let index = keep; index < this.draftCount; index++) {
      const draft = this.drafts[index]!;
      takeBack(draft.message);
      draft.message = undefined as never;
    }
    this.draftCount = keep;
  }
}
