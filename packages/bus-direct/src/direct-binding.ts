import { AepError, ObjectPool } from '@aep/kernel';
import {
  type BindingOptions,
  BusBinding,
  type ChannelDescription,
  type Delivery,
  type Outbound,
  PatternMatcher,
} from '@aep/bus';
import { channelUnknown, copyOutbound, descriptorInvalid } from '@aep/bus/internal';
import type { NetAddress } from '@aep/net';
import { ORDERLY_END } from './connection.js';
import type { DirectOptions } from './direct-options.js';
import { ChunkPool } from '@aep/net/internal';
import type { InboundDelivery } from './inbound-delivery.js';
import { InboundPort } from './inbound-port.js';
import { KEY_BYTES_MAX } from './message-codec.js';
import { OutboundEntry, PendingSend } from './outbound-entry.js';
import { OutboundPeer, type PeerOwner } from './outbound-peer.js';

/** Deliveries of one turn: other work of the process has its chance between turns. */
const TURN_MAX = 512;
const IDLE_POOLED_MAX = 16_384;

/** One app on one direct bus: a port that its senders connect to, and a connection to each subscriber of the roster. */
export class DirectBinding extends BusBinding implements PeerOwner {
  private readonly peers: readonly OutboundPeer[];
  private readonly routes = new Map<string, PatternMatcher<OutboundPeer>>();
  private readonly port: InboundPort | undefined;
  private readonly pendings = new ObjectPool(() => new PendingSend(), IDLE_POOLED_MAX);
  private readonly entries = new ObjectPool(() => new OutboundEntry(), IDLE_POOLED_MAX);
  private readonly downPeers = new Set<OutboundPeer>();
  private unrouted: Outbound[] = [];
  private isTurnPlanned = false;
  private readonly turn = (): void => this.runTurn();

  constructor(
    options: BindingOptions,
    private readonly direct: DirectOptions,
  ) {
    super(options);
    const chunks = new ChunkPool();
    const byApp = new Map<string, OutboundPeer>();
    for (const channel of direct.bus.channels) this.routes.set(channel.name, new PatternMatcher());
    for (const { app, channel, patterns } of direct.bus.roster) {
      const route = this.routes.get(channel);
      if (route === undefined) throw channelUnknown(direct.bus.name, channel);
      const peer = byApp.get(app) ?? new OutboundPeer(app, direct, chunks, this);
      byApp.set(app, peer);
      for (const pattern of patterns.length === 0 ? ['**'] : patterns) route.add(pattern, peer);
    }
    this.peers = [...byApp.values()];
    if (direct.listenAddresses.length > 0) {
      this.port = new InboundPort(
        direct,
        chunks,
        () => this.deliverSome(),
        (cause) => this.fail(cause),
      );
    }
  }

  /** Where this app listens; undefined when it only sends or is not open. */
  get boundAddress(): NetAddress | undefined {
    return this.port?.boundAddress;
  }

  onEntryDone(entry: OutboundEntry, isDelivered: boolean): void {
    const { pending } = entry;
    entry.clear();
    this.entries.give(entry);
    if (pending === undefined) {
      if (!isDelivered) this.counts.dropped++;
      return;
    }
    if (--pending.awaiting > 0) return;
    const outbound = pending.outbound!;
    pending.outbound = undefined;
    this.pendings.give(pending);
    this.confirm(outbound);
  }

  onPeerUp(peer: OutboundPeer): void {
    const wasDown = this.downPeers.delete(peer);
    if (wasDown && this.downPeers.size === 0 && this.state === 'open') this.options.listener.onBindingUp();
  }

  onPeerDown(peer: OutboundPeer, cause: AepError): void {
    if (cause.code === ORDERLY_END) return;
    if (this.options.failPolicy === 'Fail') return this.fail(cause);
    const isFirst = this.downPeers.size === 0;
    this.downPeers.add(peer);
    if (!isFirst) return;
    // A connection may be found broken while something is being written to it, from inside a call to this binding.
    this.options.clock.defer(() => {
      if (this.state === 'open' && this.downPeers.size > 0) this.options.listener.onBindingDown(cause);
    });
  }

  onPeerRoom(): void {
    this.writable();
  }

  protected override doOpen(done: (error: AepError | undefined) => void): void {
    const ready = (error: AepError | undefined): void => {
      // Subscribers that are not up yet are no failure: what is sent waits for them.
      if (error === undefined && this.state === 'opening') for (const peer of this.peers) peer.start();
      done(error);
    };
    if (this.port === undefined) ready(undefined);
    else this.port.open(ready);
  }

  protected override doJoin(channel: ChannelDescription, _patterns: readonly string[]): void {
    const { bus, app } = this.direct;
    const own = bus.channels.find(({ name }) => name === channel.name);
    if (own === undefined) throw channelUnknown(bus.name, channel.name);
    if (this.port === undefined) {
      throw descriptorInvalid(
        bus,
        `app "${app}" joins ${channel.name}, so property "peer.${app}" must say where it listens (host:port)`,
      );
    }
    if (!bus.roster.some((entry) => entry.app === app && entry.channel === channel.name)) {
      this.direct.log.log(
        'warn',
        `"${app}" joins ${channel.name} but is not in the roster of the bus: senders do not know of it`,
      );
    }
    const { port } = this;
    this.options.clock.defer(() => {
      if (this.state !== 'open') return;
      this.options.listener.onChannelUp(own);
      port.join(own);
    });
  }

  protected override doSend(outbound: Outbound, isGuaranteed: boolean): boolean {
    const route = this.routes.get(outbound.channel.name);
    if (route === undefined) throw channelUnknown(this.direct.bus.name, outbound.channel.name);
    if (outbound.key.length * 3 > KEY_BYTES_MAX) this.refuseKey(outbound);
    const peers = route.match(outbound.key);
    for (const peer of peers) {
      if (!peer.queue.isFull || !(isGuaranteed || peer.queue.isJoined(outbound.channel.name))) continue;
      peer.hasRefused = true;
      return false;
    }
    if (isGuaranteed) this.sendGuaranteed(outbound, peers);
    else this.sendBestEffort(outbound, peers);
    return true;
  }

  protected override doFlush(): void {
    for (const peer of this.peers) peer.flush();
  }

  protected override doAcknowledge(delivery: Delivery): void {
    this.port!.acknowledge(delivery as InboundDelivery);
    this.planTurn();
  }

  protected override doResume(): void {
    this.planTurn();
  }

  protected override doStopReading(): void {
    this.port?.stopReading();
  }

  protected override doClose(_preserveJoins: boolean, done: () => void): void {
    // The roster is the subscription: there is nothing that a close could preserve or give up.
    let waiting = this.peers.length + 1;
    const oneDone = (): void => {
      if (--waiting === 0) done();
    };
    for (const peer of this.peers) peer.close(oneDone);
    if (this.port === undefined) oneDone();
    else this.port.close(oneDone);
  }

  private sendGuaranteed(outbound: Outbound, peers: readonly OutboundPeer[]): void {
    if (peers.length === 0) {
      this.unrouted.push(outbound);
      this.planTurn();
      return;
    }
    const pending = this.pendings.take();
    pending.outbound = outbound;
    pending.awaiting = peers.length;
    for (const peer of peers) {
      const entry = this.entries.take();
      entry.fill(outbound, pending);
      peer.queue.offer(entry);
      peer.pump();
    }
  }

  private sendBestEffort(outbound: Outbound, peers: readonly OutboundPeer[]): void {
    let copy: Outbound | undefined;
    for (const peer of peers) {
      if (!peer.queue.isJoined(outbound.channel.name)) {
        this.counts.dropped++;
        continue;
      }
      const entry = this.entries.take();
      // Written at once it needs no copy; what must wait does, because the message is the engine's again.
      entry.fill(peer.isClear ? outbound : (copy ??= copyOutbound(outbound)), undefined);
      peer.queue.offer(entry);
      peer.pump();
    }
  }

  private planTurn(): void {
    if (this.isTurnPlanned) return;
    this.isTurnPlanned = true;
    this.options.clock.defer(this.turn);
  }

  private runTurn(): void {
    this.isTurnPlanned = false;
    if (this.unrouted.length > 0) {
      const confirmed = this.unrouted;
      this.unrouted = [];
      for (const outbound of confirmed) this.confirm(outbound);
    }
    this.deliverSome();
  }

  private deliverSome(): void {
    const { port } = this;
    if (port === undefined) return;
    for (let left = TURN_MAX; left > 0; left--) {
      if (!this.canDeliver) return;
      const delivery = port.poll();
      if (delivery === undefined) return;
      if (!this.deliver(delivery)) return port.unpoll(delivery);
      if (delivery.metadata.possibleDuplicate) this.counts.redelivered++;
    }
    this.planTurn();
  }

  private refuseKey(outbound: Outbound): never {
    const facts = { bus: this.direct.bus.name, channel: outbound.channel.name, length: outbound.key.length };
    const max = Math.floor(KEY_BYTES_MAX / 3);
    throw new AepError(
      'AEP_DIRECT_KEY_TOO_LONG',
      'reject',
      `channel ${facts.channel}@${facts.bus}: the key has ${facts.length} characters, at most ${max} can be sent`,
      facts,
    );
  }
}
