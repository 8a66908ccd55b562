import type { Clock, TimerHandle } from './clock.js';

/**
 * The time of one simulated process over that of its world. After {@link ProcessClock.kill} nothing that it has planned happens
 * any more: an engine that "died" cannot finish a commit, answer its bus or fire a timer, just as after `kill -9`.
 */
export class ProcessClock implements Clock {
  private isKilled = false;
  private waiting: (() => void)[] | undefined;

  /** @param onUncaught what an exception that nobody catches does to the process. @default it is thrown at whoever moves the world's time */
  constructor(
    private readonly world: Clock,
    private readonly onUncaught?: (error: unknown) => void,
  ) {}

  get isDead(): boolean {
    return this.isKilled;
  }

  wallMs(): number {
    return this.world.wallMs();
  }

  monotonicMs(): number {
    return this.world.monotonicMs();
  }

  schedule(delayMs: number, callback: () => void): TimerHandle {
    return this.world.schedule(delayMs, () => this.run(callback));
  }

  cancel(handle: TimerHandle): void {
    this.world.cancel(handle);
  }

  defer(callback: () => void): void {
    this.world.defer(() => this.run(callback));
  }

  kill(): void {
    this.isKilled = true;
  }

  /** As SIGSTOP: what falls due meanwhile happens after {@link ProcessClock.resume}, in its order. */
  pause(): void {
    this.waiting ??= [];
  }

  resume(): void {
    const { waiting = [] } = this;
    this.waiting = undefined;
    for (const callback of waiting) this.defer(callback);
  }

  /** For what calls in from outside, such as the network. */
  run(callback: () => void): void {
    if (this.isKilled) return;
    if (this.waiting !== undefined) this.waiting.push(callback);
    else if (this.onUncaught === undefined) callback();
    else this.runGuarded(callback, this.onUncaught);
  }

  private runGuarded(callback: () => void, onUncaught: (error: unknown) => void): void {
    try {
      callback();
    } catch (error) {
      onUncaught(error);
    }
  }
}
