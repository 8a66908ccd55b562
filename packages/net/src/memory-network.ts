import { AepError, type Clock, type Random } from '@aep/kernel';
import { formatAddress, type NetAddress } from './net-address.js';
import type { Link, LinkHandler, Listener, ListenHandler, Network } from './network.js';
import { MemoryLink, type Wire } from './memory-link.js';

export interface MemoryNetworkOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Travel time of a piece. @default 0 */
  readonly delayMs?: number;
  /** Up to this much more, drawn for each piece; order is kept, as TCP does. @default 0 */
  readonly jitterMs?: number;
  /** Chunks are cut at random places into pieces of at most this size. @default 65536 */
  readonly pieceBytesMax?: number;
}

/**
 * A network inside one process, on a clock, with faults, for tests and simulation. Processes are *nodes*; each gets its own
 * `Network` from {@link node}. Like TCP it never loses or reorders bytes inside a connection: a blocked direction holds
 * them back, and connections end by `reset`.
 */
export class MemoryNetwork {
  private readonly listeners = new Map<string, { node: string; handler: ListenHandler }>();
  private readonly wires = new Set<Wire>();
  private readonly blocked = new Set<string>();
  private nextPort = 40_000;

  constructor(private readonly options: MemoryNetworkOptions) {}

  /** The network as the process of this name sees it. */
  node(name: string): Network {
    return {
      listen: (address, handler) => this.listen(name, address, handler),
      connect: (address, handler) => this.connect(name, address, handler),
    };
  }

  /** Nothing travels from one node to the other, in this direction only, until `unblock`; new connections hang. */
  block(from: string, to: string): void {
    this.blocked.add(direction(from, to));
  }

  /** What was held back travels on. */
  unblock(from: string, to: string): void {
    this.blocked.delete(direction(from, to));
    for (const wire of this.wires) wire.pump();
  }

  /** Ends every connection between the two nodes; both ends see a reset, a blocked direction or not. */
  reset(one: string, other: string): void {
    for (const wire of this.wires) if (wire.connects(one, other)) wire.reset();
  }

  /** The process dies: its listeners and connections are gone. */
  crash(node: string): void {
    for (const [key, listener] of this.listeners) if (listener.node === node) this.listeners.delete(key);
    for (const wire of this.wires) if (wire.touches(node)) wire.reset();
  }

  /** Open and opening connections. */
  get connectionCount(): number {
    return this.wires.size;
  }

  isBlocked(from: string, to: string): boolean {
    return this.blocked.has(direction(from, to));
  }

  private listen(node: string, address: NetAddress, handler: ListenHandler): Listener {
    const bound = address.port === 0 ? { host: address.host, port: this.nextPort++ } : address;
    const key = formatAddress(bound);
    const { clock } = this.options;
    if (this.listeners.has(key)) {
      const error = new AepError('AEP_NET_LISTEN_FAILED', 'retry', `cannot listen at ${key}: in use`, { address: key });
      clock.defer(() => handler.onFailed(error));
      return { close: (done) => clock.defer(done) };
    }
    const entry = { node, handler };
    this.listeners.set(key, entry);
    clock.defer(() => handler.onListening(bound));
    return {
      close: (done) => {
        if (this.listeners.get(key) === entry) this.listeners.delete(key);
        clock.defer(done);
      },
    };
  }

  private connect(node: string, address: NetAddress, handler: LinkHandler): Link {
    const target = formatAddress(address);
    const near = new MemoryLink(target, this.options);
    near.handler = handler;
    const { clock, delayMs = 0 } = this.options;
    const attempt = (): void => {
      if (near.isEnded) return near.finish(undefined);
      const listener = this.listeners.get(target);
      if (listener === undefined) return near.finish(refused(target));
      if (this.isBlocked(node, listener.node) || this.isBlocked(listener.node, node)) {
        // A handshake that gets no answer is repeated by the operating system.
        clock.schedule(HANDSHAKE_RETRY_MS, attempt);
        return;
      }
      this.accept(node, near, listener.node, listener.handler);
    };
    clock.schedule(delayMs, attempt);
    return near;
  }

  private accept(nearNode: string, near: MemoryLink, farNode: string, handler: ListenHandler): void {
    const far = new MemoryLink(`${nearNode}:${this.nextPort++}`, this.options);
    const wire: Wire = {
      connects: (one, other) => (one === nearNode && other === farNode) || (one === farNode && other === nearNode),
      touches: (node) => node === nearNode || node === farNode,
      pump: () => {
        near.pump();
        far.pump();
      },
      reset: () => {
        const cause = new AepError(
          'AEP_NET_RESET',
          'retry',
          `the connection between ${nearNode} and ${farNode} was reset`,
        );
        near.finish(cause);
        far.finish(cause);
      },
    };
    this.wires.add(wire);
    const forget = (): void => void this.wires.delete(wire);
    near.attach(far, () => this.isBlocked(nearNode, farNode), forget);
    far.attach(near, () => this.isBlocked(farNode, nearNode), forget);
    far.handler = handler.onLink(far);
    near.handler.onOpen();
  }
}

const HANDSHAKE_RETRY_MS = 1000;

function direction(from: string, to: string): string {
  return `${from}>${to}`;
}

function refused(target: string): AepError {
  return new AepError('AEP_NET_CONNECT_FAILED', 'retry', `cannot connect to ${target}: nobody listens`, {
    remote: target,
  });
}
