import { SeededRandom, VirtualClock } from '@aep/kernel';
import { busContract, virtualTime } from '@aep/bus/contract';
import { DirectProvider } from '@aep/bus-direct';
import { MemoryNetwork } from '@aep/net';
import { describeDirectBus } from './direct-world.js';

// The contract over a network in memory that delays, and cuts the stream at random places.
busContract('direct over memory', new DirectProvider().supports, () => {
  const clock = new VirtualClock();
  const random = new SeededRandom(11);
  const network = new MemoryNetwork({
    clock,
    random: random.split(),
    delayMs: 0.2,
    jitterMs: 0.5,
    pieceBytesMax: 2000,
  });
  const nonces = random.split();
  return {
    ...virtualTime(clock),
    random,
    providerFor: (app) =>
      new DirectProvider({
        network: network.node(app),
        variables: {},
        randomBytes: (count) => Uint8Array.from({ length: count }, () => nonces.below(256)),
      }),
    describeBus: (roster) => describeDirectBus(roster),
    dispose: () => Promise.resolve(),
  };
});
