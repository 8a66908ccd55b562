export type { BrokerInput, BrokerMessage } from './broker.js';
export { Broker } from './broker.js';
export { Machine, type MachineLife } from './machine.js';
export type { WorldObserver } from './observer.js';
export { PairWorld, type PairWorldOptions } from './pair-world.js';
export { StandbyEngines } from './standby-engines.js';
