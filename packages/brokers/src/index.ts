export { activeMqBroker, type ActiveMqBrokerOptions } from './activemq-broker.js';
export { type BrokerCommand, type BrokerKind, type BrokerPlace, BrokerProcess } from './broker-process.js';
export { didNotRun, type TestSpeaker } from './did-not-run.js';
export { etcdServer, type EtcdServerOptions } from './etcd-server.js';
export { type Direction, FaultProxy } from './fault-proxy.js';
export { natsServer, type NatsServerOptions } from './nats-server.js';
export { type PlainFrame, PlainStompClient } from './plain-stomp-client.js';
export { freePorts } from './ports.js';
