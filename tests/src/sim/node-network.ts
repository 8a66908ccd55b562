import type { ProcessClock } from '@aep/kernel';
import type { Network } from '@aep/net';

/** The network as one simulated process has it. What a promise of a dead process still tries reaches nobody. */
export function nodeNetwork(network: Network, clock: ProcessClock): Network {
  return {
    listen: (address, handler) => (clock.isDead ? { close: () => undefined } : network.listen(address, handler)),
    connect: (address, handler) => network.connect(clock.isDead ? NOBODY : address, handler),
  };
}

const NOBODY = { host: '127.0.0.1', port: 1 };
