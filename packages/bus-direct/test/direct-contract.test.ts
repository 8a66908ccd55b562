import { busContract } from '@aep/bus/contract';
import { DirectProvider } from '@aep/bus-direct';
import { DirectWorld } from './direct-world.js';

// The contract over a network in memory that delays, and cuts the stream at random places.
busContract(
  'direct over memory',
  new DirectProvider().supports,
  () => new DirectWorld({ seed: 11, pieceBytesMax: 2000 }),
);
busContract('direct over memory, in small pieces', new DirectProvider().supports, () => {
  return new DirectWorld({ seed: 12, pieceBytesMax: 150 });
});
