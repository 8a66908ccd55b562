import { after, test } from 'node:test';
import { BrokerProcess, didNotRun, natsServer } from '@aep/brokers';
import { busContract } from '@aep/bus/contract';
import { NatsProvider } from '@aep/bus-nats';
import { NatsWorld } from './nats-world.js';

const kind = natsServer();

if (kind.missing() === undefined) {
  const broker = await (await BrokerProcess.create(kind)).start();
  after(() => broker.dispose());
  busContract('nats', new NatsProvider().supports, () => new NatsWorld(broker));
} else {
  test('the bus contract on NATS', (context) => void didNotRun(context, kind));
}
