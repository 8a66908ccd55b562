import type { BusDescription, Subscriber } from '@aep/bus';
import { contractApps, contractChannels } from '@aep/bus/contract';

/** A direct bus on which app `a` listens at 127.0.0.1:5001, `b` at 5002 and so on, or at the ports given. */
export function describeDirectBus(
  roster: readonly Subscriber[],
  properties: Record<string, string> = {},
  ports: readonly number[] = [5001, 5002, 5003, 5004],
): BusDescription {
  const peers = Object.fromEntries(contractApps.map((app, index) => [`peer.${app}`, `127.0.0.1:${ports[index]!}`]));
  return {
    name: 'bus',
    provider: 'direct',
    address: '',
    port: 0,
    properties: { ...peers, ...properties },
    channels: contractChannels,
    roster,
  };
}
