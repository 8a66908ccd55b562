import { createServer } from 'node:net';
import { SeededRandom, SystemClock } from '@aep/kernel';
import { busContract, contractApps, realTime } from '@aep/bus/contract';
import { DirectProvider } from '@aep/bus-direct';
import { describeDirectBus } from './direct-world.js';

/** Ports that are free now: taken once and given back. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address !== null && typeof address !== 'string') ports.push(address.port);
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return ports;
}

busContract('direct over TCP', new DirectProvider().supports, async () => {
  const ports = await freePorts(contractApps.length);
  const provider = new DirectProvider({ variables: {} });
  return {
    ...realTime(new SystemClock()),
    random: new SeededRandom(5),
    providerFor: () => provider,
    describeBus: (roster) => describeDirectBus(roster, {}, ports),
    dispose: () => Promise.resolve(),
  };
});
