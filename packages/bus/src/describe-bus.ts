import type { BusDescription, Qos } from './binding-contract.js';

/**
 * A bus in one line, for programs without a deployment model: Guaranteed channels by name, numbered in their order, and
 * nobody in the roster.
 *
 * @param name of the bus; also the address at which bindings of one loopback provider meet
 * @example describeBus('bank', ['deposits', 'bookings'])
 */
export function describeBus(name: string, channels: readonly string[], provider = 'loopback'): BusDescription {
  const qos: Qos = 'Guaranteed';
  return {
    name,
    provider,
    address: name,
    port: 0,
    properties: {},
    channels: channels.map((channel, index) => ({ name: channel, id: index + 1, qos, properties: {} })),
    roster: [],
  };
}
