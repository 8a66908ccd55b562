import type { Clock, TimerHandle } from '@aep/kernel';

/** The time of one simulated process: after `kill` nothing that it has planned happens any more; while paused it waits. */
export class ProcessClock implements Clock {
  private isDead = false;
  private waiting: (() => void)[] | undefined;

  constructor(private readonly world: Clock) {}

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
    this.schedule(0, callback);
  }

  kill(): void {
    this.isDead = true;
  }

  /** As SIGSTOP: what falls due meanwhile happens at `resume`, in its order. */
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
    if (this.isDead) return;
    if (this.waiting === undefined) callback();
    else this.waiting.push(callback);
  }
}
