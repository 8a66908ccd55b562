import { connect, createServer, type Server, type Socket } from 'node:net';
import { listen, portOf } from './ports.js';

interface Pair {
  readonly inner: Socket;
  readonly outer: Socket;
}

/** Seen from the proxy: from those who have connected to it, or from the port that it passes on to. */
export type Direction = 'toTarget' | 'fromTarget';

/**
 * A TCP proxy on loopback that can do to connections what a network does: cut them, refuse them, or stop moving bytes
 * while they look alive. Its own port stays the same.
 */
export class FaultProxy {
  /** Connections that were let in since it was made. */
  accepted = 0;
  /** Connections that were reset because of `refuse`. */
  refused = 0;
  private readonly pairs = new Set<Pair>();
  private isRefusing = false;
  private readonly stalled = new Set<Direction>();

  private constructor(
    private readonly server: Server,
    private readonly targetPort: number,
  ) {
    server.on('connection', (socket) => this.onConnection(socket));
  }

  /** Listens at a free port and passes everything on to a port of 127.0.0.1, whether somebody listens there yet or not. */
  static async listen(targetPort: number): Promise<FaultProxy> {
    return new FaultProxy(await listen(0, createServer({ noDelay: true })), targetPort);
  }

  get port(): number {
    return portOf(this.server);
  }

  get connectionCount(): number {
    return this.pairs.size;
  }

  /** Resets every connection; bytes under way are lost. New ones are let in. */
  cut(): void {
    for (const { inner, outer } of this.pairs) {
      inner.resetAndDestroy();
      outer.resetAndDestroy();
    }
  }

  /** Cuts, and resets every new connection at once until `accept`. */
  refuse(): void {
    this.isRefusing = true;
    this.cut();
  }

  accept(): void {
    this.isRefusing = false;
  }

  /** Nothing moves any more in one direction, or in both, and nobody is told. New connections are let in, and stall too. */
  stall(direction?: Direction): void {
    for (const one of direction === undefined ? DIRECTIONS : [direction]) this.stalled.add(one);
    for (const pair of this.pairs) this.hold(pair);
  }

  /** Ends all stalls: what had waited arrives. */
  flow(): void {
    this.stalled.clear();
    for (const { inner, outer } of this.pairs) {
      inner.resume();
      outer.resume();
    }
  }

  async dispose(): Promise<void> {
    this.refuse();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private onConnection(outer: Socket): void {
    if (this.isRefusing) {
      this.refused++;
      outer.on('error', () => undefined);
      outer.resetAndDestroy();
      return;
    }
    this.accepted++;
    const inner = connect({ host: '127.0.0.1', port: this.targetPort, noDelay: true });
    const pair: Pair = { inner, outer };
    this.pairs.add(pair);
    join(inner, outer);
    join(outer, inner);
    const end = (): void => {
      this.pairs.delete(pair);
      inner.destroy();
      outer.destroy();
    };
    for (const socket of [inner, outer]) socket.on('error', end).once('close', end);
    this.hold(pair);
  }

  private hold({ inner, outer }: Pair): void {
    if (this.stalled.has('toTarget')) outer.pause();
    if (this.stalled.has('fromTarget')) inner.pause();
  }
}

const DIRECTIONS = ['toTarget', 'fromTarget'] as const;

/** Written by hand and not piped: a pipe would go on by itself when the other side drains during a stall. */
function join(from: Socket, to: Socket): void {
  from.on('data', (data) => to.write(data));
  from.on('end', () => to.end());
}
