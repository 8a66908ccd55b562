export { busContract } from './bus-contract.js';
export {
  type BusHarness,
  type BusHarnessFactory,
  contractApps,
  contractChannels,
  type HarnessTime,
  realTime,
  virtualTime,
} from './harness.js';
export { numbered, type Received, roster, TestApp, type TestAppOptions } from './test-app.js';
