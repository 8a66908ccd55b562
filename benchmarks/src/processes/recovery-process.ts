import process from 'node:process';
import { HeapPeak } from '../heap-peak.js';
import { startTrading } from '../trading.js';
import { readyUntil } from './child.js';

/** Starts the reference case on what a crash has left: `recovery-process.js PATH`. */
const [path = ''] = process.argv.slice(2);

export interface RecoveryFigures {
  readonly tookMs: number;
  readonly stableTxId: number;
  readonly heap: ReturnType<HeapPeak['end']>;
}

const heapPeak = new HeapPeak();
const startedMs = performance.now();
const { engine } = await startTrading({ path });
const tookMs = performance.now() - startedMs;
const heap = heapPeak.end();
const { stableTxId } = engine.statistics();
readyUntil({ tookMs, stableTxId, heap } satisfies RecoveryFigures, () => engine.stop());
