import { type AepError, assert, RingQueue } from '@aep/kernel';
import type { Outbound } from '@aep/bus';
import type { ActiveMqOptions } from './activemq-options.js';
import { BrokerLine, type LineOwner } from './broker-line.js';
import { type ChannelPlan, consumerQueue, isVirtual, keyDestination } from './channel-plan.js';
import { type Dialect, dialectOf } from './dialect.js';
import { checkKey, messageLines } from './message-headers.js';
import { encodeHead, headerLine } from './stomp/header-text.js';
import type { StompConnection } from './stomp/stomp-connection.js';
import { protocolError } from './stomp/stomp-error.js';

/** What the owner of a sender is told; always from the event loop. */
export interface SenderOwner {
  onSenderUp(): void;
  onSenderDown(cause: AepError): void;
  onSent(outbound: Outbound): void;
  onSenderRoom(): void;
}

interface Batch {
  readonly count: number;
}

/**
 * What goes to the broker: Guaranteed messages in batches, each a transaction of the broker whose receipt confirms all of it.
 * ```
 *   queue   [ written, receipt to come | waiting ]
 *             batch  batch               everything that comes while the broker syncs is the next batch
 * ```
 * A connection of its own: a broker without room stops reading from it, and acknowledgements, which make room, must still get through.
 * When it is lost, all that is not confirmed is sent again in order and marked where it may have arrived.
 */
export class Sender implements LineOwner {
  private readonly line: BrokerLine;
  private readonly dialect: Dialect;
  private readonly queue: RingQueue<Outbound>;
  /** From the head of the queue: in batches under way. */
  private written = 0;
  /** From the head of the queue: may have arrived through an earlier connection. */
  private doubtful = 0;
  private readonly batches: RingQueue<Batch>;
  private readonly heads = new Map<string, string>();
  private isUp = false;
  private hasRefused = false;
  private isPumpPlanned = false;
  private transactions = 0;
  /** Messages of the next batch: one after a failure, so that the broker says what it has against it, then twice as many each time. */
  private batchMax: number;
  /** Addresses that the first attempt found nobody at. */
  private failedOpenings = 0;
  private onOpened: ((error: AepError | undefined) => void) | undefined;
  private readonly pumpLater = (): void => {
    this.isPumpPlanned = false;
    this.pump();
  };

  constructor(
    private readonly options: ActiveMqOptions,
    private readonly plans: ReadonlyMap<string, ChannelPlan>,
    private readonly owner: SenderOwner,
  ) {
    this.line = new BrokerLine('sender', options, this);
    this.dialect = dialectOf(options.flavor);
    this.queue = new RingQueue(options.unconfirmedMax);
    this.batches = new RingQueue(options.commitsInFlight);
    this.batchMax = options.batchMessages;
  }

  /** Connects; `done` has the outcome of the first attempt. */
  open(done: (error: AepError | undefined) => void): void {
    this.onOpened = done;
    this.line.start();
  }

  /** Takes a Guaranteed message until it is confirmed; there is room for `unconfirmedMax`. */
  sendGuaranteed(outbound: Outbound): void {
    checkKey(outbound, this.options.bus.name);
    assert(this.queue.offer(outbound), 'no more messages are unconfirmed than may be');
    if (this.isPumpPlanned) return;
    this.isPumpPlanned = true;
    this.options.clock.defer(this.pumpLater);
  }

  /** False when there is no room now; `'dropped'` when there is no connection. */
  sendBestEffort(outbound: Outbound): boolean | 'dropped' {
    checkKey(outbound, this.options.bus.name);
    const { connection } = this.line;
    if (!this.isUp || connection === undefined) return 'dropped';
    if (!connection.hasRoom) {
      this.hasRefused = true;
      return false;
    }
    const head = `${this.headOf(outbound)}${messageLines(outbound, false)}\n`;
    connection.sendRaw(head, outbound.bytes, outbound.start, outbound.end);
    return true;
  }

  flush(): void {
    this.pump();
    this.line.connection?.flush();
  }

  close(done: () => void): void {
    this.isUp = false;
    this.line.close(done);
  }

  onLineConnected(connection: StompConnection): void {
    const queues = this.options.ensureSubscriptions ? this.rosterQueues() : [];
    let waiting = queues.length;
    if (waiting === 0) return this.up();
    // A message for a queue that does not exist is lost, and the app of the roster may never have run. A subscription that may get
    // nothing makes the queue and takes nothing from it.
    for (const [index, queue] of queues.entries()) {
      const id = `make-${index}`;
      const receipt = connection.expectReceipt(() => {
        connection.send('UNSUBSCRIBE', { id });
        if (--waiting === 0) this.up();
      });
      connection.send('SUBSCRIBE', { ...this.dialect.emptySubscription(queue), id, receipt });
    }
  }

  onLineMessage(): void {
    // The subscriptions of this connection get nothing.
  }

  onLineRoom(): void {
    this.pump();
    if (!this.hasRefused || this.line.connection?.hasRoom !== true) return;
    this.hasRefused = false;
    this.owner.onSenderRoom();
  }

  onLineLost(cause: AepError): void {
    this.isUp = false;
    this.doubtful = Math.max(this.doubtful, this.written);
    this.written = 0;
    this.batches.clear();
    this.batchMax = 1;
    if (this.onOpened !== undefined) {
      if (cause.advice === 'retry' && ++this.failedOpenings < this.options.addresses.length) return;
      // The engine has its own policy for a broker that is not there at the start (E91).
      this.line.close(() => undefined);
      return this.opened(cause);
    }
    this.owner.onSenderDown(cause);
    if (!this.hasRefused) return;
    // BestEffort messages are dropped from now on, so there is room for them.
    this.hasRefused = false;
    this.options.clock.defer(() => this.owner.onSenderRoom());
  }

  private up(): void {
    this.isUp = true;
    if (this.queue.size === 0) this.line.worked();
    if (this.onOpened === undefined) this.owner.onSenderUp();
    else this.opened(undefined);
    this.pump();
  }

  private opened(error: AepError | undefined): void {
    const { onOpened } = this;
    this.onOpened = undefined;
    onOpened?.(error);
  }

  private rosterQueues(): string[] {
    return this.options.bus.roster.flatMap(({ app, channel }) => {
      const plan = this.plans.get(channel);
      return plan !== undefined && isVirtual(this.options, plan) ? [consumerQueue(app, plan)] : [];
    });
  }

  /** Writes batches for as long as the broker has not too much to do and the network takes it. */
  private pump(): void {
    const { connection } = this.line;
    if (!this.isUp || connection === undefined) return;
    while (!this.batches.isFull && this.written < this.queue.size && connection.hasRoom) this.writeBatch(connection);
  }

  private writeBatch(connection: StompConnection): void {
    const count = this.batchCount();
    const batch: Batch = { count };
    this.batches.offer(batch);
    const receipt = connection.expectReceipt(() => this.onReceipt(batch));
    if (count === 1) {
      this.writeMessage(connection, this.written, `receipt:${receipt}\n`);
    } else {
      const transaction = String(++this.transactions);
      connection.send('BEGIN', { transaction });
      const line = `transaction:${transaction}\n`;
      for (let index = 0; index < count; index++) this.writeMessage(connection, this.written + index, line);
      connection.send('COMMIT', { transaction, receipt });
    }
    this.written += count;
    connection.flush();
  }

  private batchCount(): number {
    const { batchBytes } = this.options;
    let count = 0;
    let bytes = 0;
    for (let index = this.written; index < this.queue.size && count < this.batchMax; index++) {
      const { start, end } = this.queue.at(index)!;
      bytes += end - start;
      if (count > 0 && bytes > batchBytes) break;
      count++;
    }
    return count;
  }

  private writeMessage(connection: StompConnection, index: number, line: string): void {
    const outbound = this.queue.at(index)!;
    const head = `${this.headOf(outbound)}${line}${messageLines(outbound, index < this.doubtful)}\n`;
    connection.sendRaw(head, outbound.bytes, outbound.start, outbound.end);
  }

  private onReceipt(batch: Batch): void {
    if (this.batches.poll() !== batch)
      throw protocolError('receipts in another order than the frames that asked for them');
    this.line.worked();
    this.batchMax = Math.min(this.options.batchMessages, this.batchMax * 2);
    this.written -= batch.count;
    this.doubtful = Math.max(0, this.doubtful - batch.count);
    for (let left = batch.count; left > 0; left--) this.owner.onSent(this.queue.poll()!);
    this.pump();
  }

  /** Command, destination and what is the same for all messages of a channel, or of a key of it. */
  private headOf({ channel, key }: Outbound): string {
    const plan = this.plans.get(channel.name)!;
    if (plan.hasKeyDestinations) return this.makeHead(plan, keyDestination(plan, key));
    let head = this.heads.get(channel.name);
    if (head === undefined) this.heads.set(channel.name, (head = this.makeHead(plan, plan.name)));
    return head;
  }

  private makeHead(plan: ChannelPlan, name: string): string {
    const isPersistent = plan.channel.qos === 'Guaranteed';
    const head = encodeHead('SEND', this.dialect.send(plan.kind, name));
    return `${head.slice(0, -1)}${headerLine('persistent', String(isPersistent))}`;
  }
}
