import { AepError, ObjectPool, RingQueue } from '@aep/kernel';
import type { ChannelDescription } from '@aep/bus';
import { formatAddress, type Link, type LinkHandler, type Listener, type NetAddress } from '@aep/net';
import { ORDERLY_END } from './connection.js';
import type { DirectOptions } from './direct-options.js';
import type { ChunkPool } from '@aep/net/internal';
import { InboundConnection, type InboundOwner } from './inbound-connection.js';
import { InboundDelivery } from './inbound-delivery.js';
import { KeyCache } from './message-codec.js';

const IDLE_POOLED_MAX = 8192;

/** Where an app listens: the connections of its senders and the queue from them to the engine. */
export class InboundPort implements InboundOwner {
  readonly deliveries = new ObjectPool(() => new InboundDelivery(), IDLE_POOLED_MAX);
  readonly keys = new KeyCache();
  readonly joined = new Map<number, ChannelDescription>();
  isReadingStopped = false;
  /** Where it listens; undefined before it does. */
  boundAddress: NetAddress | undefined;
  private readonly queue: RingQueue<InboundDelivery>;
  /** All that have not settled, those that have not proved who they are included. */
  private readonly connections = new Set<InboundConnection>();
  private readonly bySender = new Map<string, InboundConnection>();
  private listener: Listener | undefined;
  private isClosing = false;
  private onEmpty: (() => void) | undefined;

  /** @param onDeliveries there are messages in the queue */
  constructor(
    private readonly options: DirectOptions,
    private readonly chunks: ChunkPool,
    private readonly onDeliveries: () => void,
    private readonly onLost: (cause: AepError) => void,
  ) {
    // Connections that end leave messages behind until they are polled, hence twice what the windows allow.
    this.queue = new RingQueue(2 * options.windowMessages * Math.min(options.connectionsMax, 1024));
  }

  /** Listens at the first address that is free. */
  open(done: (error: AepError | undefined) => void): void {
    this.tryListen(0, done);
  }

  join(channel: ChannelDescription): void {
    this.joined.set(channel.id, channel);
    for (const connection of this.connections) if (connection.isUp) connection.announceJoin(channel);
  }

  stopReading(): void {
    this.isReadingStopped = true;
    for (const connection of this.connections) if (connection.isUp) connection.announceStop();
  }

  /** The oldest message for the engine; those of broken connections are left out, because their senders send them again. */
  poll(): InboundDelivery | undefined {
    for (;;) {
      const delivery = this.queue.poll();
      if (delivery === undefined || !delivery.connection.isEnded || this.isKept(delivery)) return delivery;
      this.recycle(delivery);
    }
  }

  /** A message that was polled and could not be handed over. */
  unpoll(delivery: InboundDelivery): void {
    this.queue.offerFirst(delivery);
  }

  /** The engine has done with a message. */
  acknowledge(delivery: InboundDelivery): void {
    delivery.connection.acknowledge(delivery);
    this.recycle(delivery);
  }

  flush(): void {
    for (const connection of this.connections) if (connection.isUp) connection.flushNow();
  }

  close(done: () => void): void {
    this.isClosing = true;
    this.queue.clear();
    let waiting = 2;
    const oneDone = (): void => {
      if (--waiting === 0) done();
    };
    this.onEmpty = oneDone;
    for (const connection of this.connections)
      connection.end(new AepError(ORDERLY_END, 'retry', 'the receiver has closed'));
    this.checkEmpty();
    if (this.listener === undefined) oneDone();
    else this.listener.close(oneDone);
  }

  onEstablished(connection: InboundConnection): void {
    const before = this.bySender.get(connection.fromApp);
    this.bySender.set(connection.fromApp, connection);
    // A sender that comes again has lost its old connection, whether we have noticed or not.
    before?.end(new AepError('AEP_DIRECT_DISPLACED', 'retry', `sender "${connection.fromApp}" has connected again`));
    this.options.log.log('info', `sender "${connection.fromApp}" is connected`, {
      peer: connection.fromApp,
      remote: connection.remote,
    });
  }

  onMessage(delivery: InboundDelivery): boolean {
    return this.queue.offer(delivery);
  }

  onMessagesDone(): void {
    this.onDeliveries();
  }

  onEnded(connection: InboundConnection, cause: AepError): void {
    if (this.bySender.get(connection.fromApp) === connection) this.bySender.delete(connection.fromApp);
    if (this.isClosing) return;
    const level = cause.code === ORDERLY_END ? 'info' : 'warn';
    this.options.log.log(
      level,
      `a connection from ${connection.remote} has ended`,
      { peer: connection.fromApp },
      cause,
    );
  }

  onSettled(connection: InboundConnection): void {
    this.connections.delete(connection);
    this.checkEmpty();
  }

  private tryListen(index: number, done: (error: AepError | undefined) => void): void {
    const { listenAddresses, network } = this.options;
    let isListening = false;
    this.listener = network.listen(listenAddresses[index]!, {
      onListening: (address) => {
        isListening = true;
        this.boundAddress = address;
        this.options.log.log('info', `listening at ${formatAddress(address)}`);
        done(undefined);
      },
      onFailed: (cause) => {
        if (isListening) return this.onLost(cause);
        this.listener = undefined;
        // Members of a pair on one machine have an address each; the other one is taken.
        if (index + 1 < listenAddresses.length) this.tryListen(index + 1, done);
        else done(cause);
      },
      onLink: (link) => this.accept(link),
    });
  }

  private accept(link: Link): LinkHandler {
    const connection = new InboundConnection(this.options, this.chunks, this);
    connection.attach(link);
    this.connections.add(connection);
    if (this.isClosing || this.connections.size > this.options.connectionsMax) {
      const why = `more than ${this.options.connectionsMax} connections (connectionsMax)`;
      // Not from inside the accept: the link's events are not connected yet.
      this.options.clock.defer(() => connection.end(new AepError('AEP_DIRECT_TOO_MANY_CONNECTIONS', 'retry', why)));
    }
    return connection;
  }

  /** BestEffort messages are not sent again, so those that arrived before an end are still good. */
  private isKept(delivery: InboundDelivery): boolean {
    return delivery.channel.qos === 'BestEffort';
  }

  private recycle(delivery: InboundDelivery): void {
    delivery.clear();
    this.deliveries.give(delivery);
  }

  private checkEmpty(): void {
    if (!this.isClosing || this.connections.size > 0) return;
    const { onEmpty } = this;
    this.onEmpty = undefined;
    onEmpty?.();
  }
}
