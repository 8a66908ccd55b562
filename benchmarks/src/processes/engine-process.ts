import process from 'node:process';
import { LoopbackProvider } from '@aep/bus';
import { DirectProvider } from '@aep/bus-direct';
import { directOrders } from '../direct-orders.js';
import { startTrading, TRADING_CHANNELS, tradingBus } from '../trading.js';
import { readyUntil } from './child.js';

/** The reference case, with its orders from another process over TCP: `engine-process.js PATH PORT`. */
const [path = '', port = ''] = process.argv.slice(2);
const [orders, executions] = TRADING_CHANNELS;
const { engine } = await startTrading({
  path,
  buses: [
    { description: directOrders(Number(port)), provider: new DirectProvider(), channels: [orders] },
    {
      description: { ...tradingBus, channels: [tradingBus.channels[1]!] },
      provider: new LoopbackProvider(),
      channels: [executions],
    },
  ],
});
readyUntil({}, () => engine.stop());
