import { Worker } from 'node:worker_threads';
import { AepError, type Log } from '@aep/kernel';
import type { FoldAnswer, FoldFailure, FoldRequest, FoldSettings } from './fold-messages.js';

type Folded = (error: Error | undefined, entries: number) => void;

/**
 * A thread that brings the tables forward from the journal, so that a checkpoint holds no turn of the event loop. Started when
 * it is first asked for; never keeps the process alive.
 *
 * ```
 * none --prepare()--> starting --'ready'--> ready <--fold(), answer--> folding
 *                        └── could not start: absent        └── ended: that fold and all later ones fail
 * ```
 */
export class FoldThread {
  private state: 'none' | 'starting' | 'ready' | 'folding' | 'absent' | 'ended' = 'none';
  private worker: Worker | undefined;
  private folded: Folded | undefined;
  private whenEnded: (() => void) | undefined;

  constructor(
    private readonly settings: FoldSettings,
    private readonly log: Log,
  ) {}

  /** True when it can fold; the first call starts it. */
  prepare(): boolean {
    if (this.state === 'none') this.start();
    return this.state === 'ready' || this.state === 'folding';
  }

  /** One at a time, after {@link prepare} has answered true. The callback comes from the event loop. */
  fold(toTxId: number, done: Folded): void {
    this.folded = done;
    if (this.state === 'ended') {
      setImmediate(() => this.answered(new Error('the thread that folds the journal has ended'), 0));
      return;
    }
    this.state = 'folding';
    this.send({ toTxId });
  }

  /** Calls back when the thread has closed its files, at once when there is none. */
  end(done: () => void): void {
    if (this.worker === undefined) {
      done();
      return;
    }
    this.whenEnded = done;
    this.worker.ref();
    this.send('end');
  }

  private start(): void {
    this.state = 'starting';
    const worker = new Worker(new URL('./fold-thread-main.js', import.meta.url), { workerData: this.settings });
    this.worker = worker;
    worker.unref();
    worker.on('message', (message: FoldAnswer) => this.onMessage(message));
    worker.on('error', (error) => this.onGone(error));
    worker.on('exit', (code) => this.onGone(new Error(`the thread that folds the journal ended with code ${code}`)));
  }

  private send(request: FoldRequest): void {
    this.worker?.postMessage(request);
  }

  private onMessage(message: FoldAnswer): void {
    if (this.state === 'ended') return;
    this.state = 'ready';
    if (message === 'ready') return;
    if ('failure' in message) this.answered(errorOf(message.failure), 0);
    else this.answered(undefined, message.entries);
  }

  /** `error` and `exit` may come both. */
  private onGone(error: Error): void {
    if (this.worker === undefined) return;
    this.worker = undefined;
    const wasStarting = this.state === 'starting';
    this.state = wasStarting ? 'absent' : 'ended';
    if (this.whenEnded !== undefined) this.whenEnded();
    else if (wasStarting)
      this.log.log('warn', 'checkpoints stay on the event loop: their thread did not start', {}, error);
    this.answered(error, 0);
  }

  private answered(error: Error | undefined, entries: number): void {
    const { folded } = this;
    this.folded = undefined;
    folded?.(error, entries);
  }
}

function errorOf({ code, message, facts }: FoldFailure): Error {
  return code === undefined ? new Error(message) : new AepError(code, 'fatal', message, facts);
}
