import type { BusDescription, BusProvider, Outbound } from '@aep/bus';
import { tradingBus } from './trading.js';

/** Orders over TCP from whoever sends to the reference case, which listens at this port of the loopback interface. */
export function directOrders(port: number): BusDescription {
  return {
    name: 'wire',
    provider: 'direct',
    address: '',
    port: 0,
    properties: { 'peer.trading': `127.0.0.1:${port}` },
    channels: [tradingBus.channels[0]!],
    roster: [{ app: 'trading', channel: 'orders', patterns: ['**'] }],
  };
}

/** The same provider; the case hears of each confirmation before the engine does. */
export function tapConfirmations(provider: BusProvider, onConfirmed: (outbound: Outbound) => void): BusProvider {
  return {
    name: provider.name,
    supports: provider.supports,
    createBinding: (options) => {
      const { listener } = options;
      return provider.createBinding({
        ...options,
        listener: {
          onConfirmed: (outbound) => {
            onConfirmed(outbound);
            listener.onConfirmed(outbound);
          },
          onDelivery: (delivery) => listener.onDelivery(delivery),
          onWritable: () => listener.onWritable(),
          onChannelUp: (channel) => listener.onChannelUp(channel),
          onChannelDown: (channel, cause) => listener.onChannelDown(channel, cause),
          onBindingDown: (cause) => listener.onBindingDown(cause),
          onBindingUp: () => listener.onBindingUp(),
          onBindingFailed: (cause) => listener.onBindingFailed(cause),
        },
      });
    },
  };
}
