import { Worker } from 'node:worker_threads';

/** Ten thousand times what an execution takes: longer means that it never ends. */
export const HANG_MS = 10_000;
/** Slot of the count of executions begun, which tells a run that goes on from one that hangs. */
export const PULSE = 0;
/** Slots of what is being executed. */
export const TARGET_INDEX = 1;
export const RUN = 2;

export interface WatchdogOptions {
  readonly targets: readonly string[];
  readonly seed: number;
  /** An execution that takes longer ends the process. */
  readonly hangMs: number;
}

/**
 * Watches from a thread of its own, because an execution that never ends leaves this one no chance to say so. It names
 * target, seed and execution, and ends the process.
 */
export class Watchdog {
  private readonly slots = new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT));
  private readonly worker: Worker;

  constructor(options: WatchdogOptions) {
    this.worker = new Worker(new URL('./watchdog-main.js', import.meta.url), {
      workerData: { ...options, slots: this.slots },
    });
    this.worker.unref();
  }

  /** Begins an execution. */
  onRun(targetIndex: number, run: number): void {
    this.slots[TARGET_INDEX] = targetIndex;
    this.slots[RUN] = run;
    Atomics.add(this.slots, PULSE, 1);
  }

  async stop(): Promise<void> {
    await this.worker.terminate();
  }
}
