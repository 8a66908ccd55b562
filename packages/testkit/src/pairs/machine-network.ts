import type { Link, LinkHandler, Listener, ListenHandler, NetAddress, Network } from '@aep/net';
import type { MachineClock } from './machine-clock.js';

/** The network as one simulated process has it: paused and killed with it. */
export class MachineNetwork implements Network {
  constructor(
    private readonly network: Network,
    private readonly clock: MachineClock,
  ) {}

  listen(address: NetAddress, handler: ListenHandler): Listener {
    // A promise of a dead process may still try; it reaches nobody.
    if (this.clock.isDead) return { close: () => undefined };
    return this.network.listen(address, {
      onListening: (bound) => this.clock.run(() => handler.onListening(bound)),
      onLink: (link) => this.accepted(link, handler),
      onFailed: (cause) => this.clock.run(() => handler.onFailed(cause)),
    });
  }

  connect(address: NetAddress, handler: LinkHandler): Link {
    return this.network.connect(
      this.clock.isDead ? NOBODY : address,
      this.gated(() => handler),
    );
  }

  /** A connection that comes in while the process is paused waits in the operating system. */
  private accepted(link: Link, listener: ListenHandler): LinkHandler {
    let handler: LinkHandler | undefined;
    this.clock.run(() => (handler = listener.onLink(link)));
    // Calls queue behind the one above, so the handler is there when they come.
    return this.gated(() => handler!);
  }

  private gated(handler: () => LinkHandler): LinkHandler {
    const { clock } = this;
    return {
      onOpen: () => clock.run(() => handler().onOpen()),
      onBytes: (bytes) => clock.run(() => handler().onBytes(bytes)),
      onWritten: (chunk) => clock.run(() => handler().onWritten(chunk)),
      onClose: (cause) => clock.run(() => handler().onClose(cause)),
    };
  }
}

const NOBODY: NetAddress = { host: '127.0.0.1', port: 1 };
