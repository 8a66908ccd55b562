import { after, before, describe, it } from 'node:test';
import { busContract } from '@aep/bus/contract';
import { activeMqBroker, BrokerProcess, didNotRun } from '@aep/brokers';
import { ActiveMqProvider } from '@aep/bus-activemq';
import { ActiveMqWorld } from './activemq-world.js';

const kind = activeMqBroker();

if (kind.missing() === undefined) {
  describe('against ActiveMQ', () => {
    let broker: BrokerProcess;
    before(async () => {
      broker = await (await BrokerProcess.create(kind)).start();
    });
    after(() => broker.dispose());
    const { supports } = new ActiveMqProvider();
    busContract('activemq, virtual topics', supports, () => new ActiveMqWorld({ port: broker.port }));
  });
} else {
  it('the bus contract against ActiveMQ', (context) => {
    didNotRun(context, kind);
  });
}
