import type { Clock, TimerHandle } from '@aep/kernel';

/**
 * The time of one simulated process. Once the process was killed nothing it had planned happens any more, so an engine
 * that "died" cannot finish a commit, answer its bus or fire a timer, just as after `kill -9`.
 */
export class ProcessClock implements Clock {
  private dead = false;

  constructor(private readonly world: Clock) {}

  get isDead(): boolean {
    return this.dead;
  }

  wallMs(): number {
    return this.world.wallMs();
  }

  monotonicMs(): number {
    return this.world.monotonicMs();
  }

  schedule(delayMs: number, callback: () => void): TimerHandle {
    return this.world.schedule(delayMs, () => {
      if (!this.dead) callback();
    });
  }

  cancel(handle: TimerHandle): void {
    this.world.cancel(handle);
  }

  defer(callback: () => void): void {
    this.schedule(0, callback);
  }

  kill(): void {
    this.dead = true;
  }
}
