import { connect, createServer, type Server, type Socket } from 'node:net';
import { AepError } from '@aep/kernel';
import { formatAddress, type NetAddress } from './net-address.js';
import type { Link, LinkHandler, Listener, ListenHandler, Network } from './network.js';
import { ReadBuffer } from './read-buffer.js';

/** The network of the operating system: TCP without delay for small packets. */
export class TcpNetwork implements Network {
  listen(address: NetAddress, handler: ListenHandler): Listener {
    const server = createServer({ noDelay: true, pauseOnConnect: true });
    server.on('connection', (socket) => {
      const link = new TcpLink(socket);
      link.start(handler.onLink(link));
      socket.resume();
    });
    server.on('listening', () => handler.onListening(boundAddress(server, address)));
    server.on('error', (error) => handler.onFailed(listenFailed(address, error)));
    server.listen({ host: address.host, port: address.port });
    return { close: (done) => void server.close(() => done()) };
  }

  connect(address: NetAddress, handler: LinkHandler): Link {
    const buffer = new ReadBuffer();
    const socket = connect({
      host: address.host,
      port: address.port,
      noDelay: true,
      onread: {
        buffer: () => buffer.room(),
        callback: (count) => {
          link.onBytes(buffer.take(count));
          return true;
        },
      },
    });
    const link = new TcpLink(socket, address);
    link.start(handler);
    socket.once('connect', () => handler.onOpen());
    return link;
  }
}

/** A link over a socket of Node's, encrypted or not. */
export class TcpLink implements Link {
  private handler!: LinkHandler;
  private isCorked = false;
  private isEnded = false;
  private isOpen: boolean;
  /** Somebody is there, whether he can prove who he is or not. */
  private isConnected = false;
  private failure: Error | undefined;
  private readonly uncork = (): void => this.flush();

  /**
   * @param target where it connects to; absent for a link that was accepted
   * @param openEvent of the socket: when bytes may flow
   */
  constructor(
    private readonly socket: Socket,
    private readonly target?: NetAddress,
    private readonly openEvent: 'connect' | 'secureConnect' = 'connect',
  ) {
    this.isOpen = target === undefined;
  }

  get remote(): string {
    if (this.target !== undefined) return formatAddress(this.target);
    return formatAddress({ host: this.socket.remoteAddress ?? 'unknown', port: this.socket.remotePort ?? 0 });
  }

  get bufferedBytes(): number {
    return this.socket.writableLength;
  }

  start(handler: LinkHandler): void {
    this.handler = handler;
    const { socket } = this;
    socket.on('connect', () => (this.isConnected = true));
    socket.on(this.openEvent, () => (this.isOpen = true));
    socket.on('data', (bytes: Buffer) => this.onBytes(bytes));
    socket.on('error', (error) => (this.failure = error));
    socket.on('close', () => handler.onClose(this.closeCause()));
  }

  /** From a socket that reads into a buffer of ours, which emits no data. */
  onBytes(bytes: Uint8Array): void {
    if (!this.isEnded) this.handler.onBytes(bytes);
  }

  write(chunk: Uint8Array): void {
    if (this.isEnded || this.socket.destroyed) {
      process.nextTick(() => this.handler.onWritten(chunk));
      return;
    }
    if (!this.isCorked) {
      this.isCorked = true;
      this.socket.cork();
      process.nextTick(this.uncork);
    }
    this.socket.write(chunk, () => this.handler.onWritten(chunk));
  }

  flush(): void {
    if (!this.isCorked) return;
    this.isCorked = false;
    this.socket.uncork();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  close(): void {
    if (this.isEnded) return;
    this.flush();
    this.isEnded = true;
    // Its bytes are not wanted any more, but its end is: a paused socket would never see it.
    this.socket.resume();
    this.socket.end();
  }

  abort(): void {
    this.isEnded = true;
    this.socket.resetAndDestroy();
  }

  private closeCause(): AepError | undefined {
    if (this.failure === undefined || this.isEnded) return undefined;
    const reason = this.failure.message;
    const facts = { remote: this.target === undefined ? undefined : formatAddress(this.target) };
    if (!this.isOpen && this.isConnected && this.openEvent === 'secureConnect') {
      return new AepError(
        'AEP_NET_HANDSHAKE_FAILED',
        'retry',
        `the TLS handshake with ${this.remote} failed: ${reason}`,
        { ...facts, reason },
        this.failure,
      );
    }
    if (!this.isOpen) {
      return new AepError(
        'AEP_NET_CONNECT_FAILED',
        'retry',
        `cannot connect to ${this.remote}: ${reason}`,
        facts,
        this.failure,
      );
    }
    return new AepError(
      'AEP_NET_RESET',
      'retry',
      `the connection to ${this.remote} was lost: ${reason}`,
      facts,
      this.failure,
    );
  }
}

export function boundAddress(server: Server, asked: NetAddress): NetAddress {
  const bound = server.address();
  return bound === null || typeof bound === 'string' ? asked : { host: asked.host, port: bound.port };
}

export function listenFailed(address: NetAddress, cause: Error): AepError {
  const text = formatAddress(address);
  return new AepError(
    'AEP_NET_LISTEN_FAILED',
    'retry',
    `cannot listen at ${text}: ${cause.message}`,
    { address: text },
    cause,
  );
}
