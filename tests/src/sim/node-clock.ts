import type { Clock, TimerHandle } from '@aep/kernel';
import type { Network } from '@aep/net';

/** The clock of one simulated process: when the process is dead, nothing of it runs any more. */
export class NodeClock implements Clock {
  isDead = false;

  /** @param onUncaught what an exception that nobody catches does to the process */
  constructor(
    private readonly clock: Clock,
    private readonly onUncaught: (error: unknown) => void,
  ) {}

  die(): void {
    this.isDead = true;
  }

  wallMs(): number {
    return this.clock.wallMs();
  }

  monotonicMs(): number {
    return this.clock.monotonicMs();
  }

  schedule(delayMs: number, callback: () => void): TimerHandle {
    return this.clock.schedule(delayMs, () => this.run(callback));
  }

  cancel(handle: TimerHandle): void {
    this.clock.cancel(handle);
  }

  defer(callback: () => void): void {
    this.clock.defer(() => this.run(callback));
  }

  private run(callback: () => void): void {
    if (this.isDead) return;
    try {
      callback();
    } catch (error) {
      this.onUncaught(error);
    }
  }
}

/** The network as one simulated process has it. What a promise of a dead process still tries reaches nobody. */
export function nodeNetwork(network: Network, clock: NodeClock): Network {
  return {
    listen: (address, handler) => (clock.isDead ? { close: () => undefined } : network.listen(address, handler)),
    connect: (address, handler) => network.connect(clock.isDead ? NOBODY : address, handler),
  };
}

const NOBODY = { host: '127.0.0.1', port: 1 };
