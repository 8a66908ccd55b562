import type { BenchmarkCase } from './case.js';
import { activeMqCases } from './cases/activemq.js';
import { directCases } from './cases/direct.js';
import { diskCases } from './cases/disk.js';
import { engineCases } from './cases/engine.js';
import { journalCases } from './cases/journal.js';
import { keyCases } from './cases/keys.js';
import { latencyCases } from './cases/latency.js';
import { natsCases } from './cases/nats.js';
import { pairCases } from './cases/pair.js';
import { peerCases } from './cases/peers.js';
import { recoveryCases } from './cases/recovery.js';
import { slowDiskCases } from './cases/slow-disk.js';
import { tcpCases } from './cases/tcp.js';
import { viewCases } from './cases/views.js';

/** Every case, in the order in which it runs and is reported. */
export const corpus: readonly BenchmarkCase[] = [
  ...diskCases,
  ...viewCases,
  ...keyCases,
  ...journalCases,
  ...engineCases,
  ...latencyCases,
  ...directCases,
  ...pairCases,
  ...tcpCases,
  ...recoveryCases,
  ...slowDiskCases,
  ...peerCases,
  ...activeMqCases,
  ...natsCases,
];
