import { AepError, assert, SeededRandom } from '@aep/kernel';
import { disposeOwned, giveAway } from '@aep/messages/internal';
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
  readonly serial: number;
  readonly state: StateSavepoint | undefined;
  readonly drafts: number;
  readonly changes: number;
  readonly callbacks: number;
}

/**
 * What handlers have done since the transaction was opened: sends, system changes, callbacks; state changes are kept by the
 * state space. One object per engine, used again for each transaction.
 */
export class OpenTransaction {
  isOpen = false;
  /** Counts transactions, to tell a savepoint of an earlier one. */
  ordinal = 0;
  /** Number that its record will have; in a replay, that it has. */
  txId = 0;
  timeMs = 0;
  seed = 0;
  readonly drafts: Draft[] = [];
  draftCount = 0;
  readonly changes: SystemChange[] = [];
  readonly callbacks: (() => void)[] = [];
  ackToken: AckToken | undefined;
  private random: SeededRandom | undefined;
  private ids = 0;
  private savepoints = 0;
  /** Serial numbers of the savepoints that can be restored, oldest first. */
  private readonly live: number[] = [];

  constructor(private readonly state: StateSpace | undefined) {}

  begin(txId: number, timeMs: number, seed: number): void {
    assert(!this.isOpen, 'one transaction is open at a time');
    this.isOpen = true;
    this.ordinal++;
    this.txId = txId;
    this.timeMs = timeMs;
    this.seed = seed;
    this.random = undefined;
    this.ids = 0;
    this.state?.begin();
  }

  /** The engine owns the message from here on; touching it throws in checked mode (E41). @throws AEP_FLOW_INVALID */
  send(port: ChannelPort, message: MessageView, key: string, options: DraftOptions): void {
    if (options.flow !== undefined) checkFlow(options.flow);
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
    this.live.push(++this.savepoints);
    return {
      transaction: this.ordinal,
      serial: this.savepoints,
      state: this.state?.savepoint(),
      drafts: this.draftCount,
      changes: this.changes.length,
      callbacks: this.callbacks.length,
    };
  }

  /** @throws AEP_SAVEPOINT_INVALID */
  rollbackTo(savepoint: Savepoint): void {
    const place = savepoint.transaction === this.ordinal ? this.live.indexOf(savepoint.serial) : -1;
    if (!this.isOpen || place < 0) throw savepointInvalid();
    this.live.length = place + 1;
    if (savepoint.state !== undefined) this.state!.rollbackTo(savepoint.state);
    this.truncate(savepoint.drafts, savepoint.changes, savepoint.callbacks);
  }

  /** Undoes everything (E21) and closes the transaction. */
  rollback(): void {
    this.state?.rollback();
    this.truncate(0, 0, 0);
    this.end();
  }

  /** After the seal: what was handed over is forgotten. The drafts' messages have been encoded and go back to their pools. */
  close(): void {
    this.disposeDrafts(0);
    shorten(this.changes, 0);
    shorten(this.callbacks, 0);
    this.end();
  }

  private end(): void {
    this.ackToken = undefined;
    this.isOpen = false;
    this.savepoints = 0;
    shorten(this.live, 0);
  }

  private truncate(drafts: number, changes: number, callbacks: number): void {
    this.disposeDrafts(drafts);
    shorten(this.changes, changes);
    shorten(this.callbacks, callbacks);
  }

  private disposeDrafts(keep: number): void {
    for (let index = keep; index < this.draftCount; index++) {
      const draft = this.drafts[index]!;
      disposeOwned(draft.message);
      draft.message = undefined as never;
    }
    this.draftCount = keep;
  }
}

/** Only when there is something to drop: setting a length is slow, and most transactions have nothing of it. */
function shorten(list: unknown[], length: number): void {
  if (list.length > length) list.length = length;
}

function checkFlow(flow: number): void {
  if (Number.isSafeInteger(flow) && flow >= 0) return;
  throw new AepError('AEP_FLOW_INVALID', 'reject', `a flow is an integer from 0, got ${flow}`, { flow });
}

function savepointInvalid(): AepError {
  return new AepError(
    'AEP_SAVEPOINT_INVALID',
    'reject',
    'the savepoint cannot be restored: its transaction has ended, or an earlier savepoint was restored since it was taken',
    {},
  );
}
