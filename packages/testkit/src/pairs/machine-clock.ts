import type { Clock, TimerHandle } from '@aep/kernel';

/**
 * The time of one simulated process: its own wall clock, and a monotonic clock that may run slower or faster than the world's.
 * After `kill` nothing that it has planned happens any more; while it is paused, what falls due waits, as under SIGSTOP.
 */
export class MachineClock implements Clock {
  isDead = false;
  /** Callbacks planned and neither run nor cancelled. */
  planned = 0;
  private wallOffsetMs = 0;
  isPaused = false;
  /** What fell due during a pause, until all of it has happened: what comes meanwhile happens after it. */
  private waiting: (() => void)[] | undefined;

  /** @param pace own milliseconds in one of the world */
  constructor(
    private readonly world: Clock,
    private readonly pace: number,
    private readonly onUncaught: (error: unknown) => void,
  ) {}

  wallMs(): number {
    // As Date.now: whole milliseconds, although the simulation moves in fractions of one.
    return Math.floor(this.world.wallMs() + this.wallOffsetMs);
  }

  monotonicMs(): number {
    return this.world.monotonicMs() * this.pace;
  }

  schedule(delayMs: number, callback: () => void): TimerHandle {
    const timer: MachineTimer = { timer: undefined, isOver: false };
    this.planned++;
    timer.timer = this.world.schedule(delayMs / this.pace, () =>
      this.run(() => {
        // It may have been cancelled while the process was paused.
        if (timer.isOver) return;
        timer.isOver = true;
        this.planned--;
        callback();
      }),
    );
    return timer;
  }

  cancel(handle: TimerHandle): void {
    const timer = handle as MachineTimer;
    if (timer.isOver) return;
    timer.isOver = true;
    this.planned--;
    this.world.cancel(timer.timer!);
  }

  defer(callback: () => void): void {
    this.schedule(0, callback);
  }

  /** For what calls in from outside, such as the network. What nobody catches is told to the owner, as a crash of the process. */
  run(callback: () => void): void {
    if (this.isDead) return;
    if (this.waiting === undefined) this.call(callback);
    else this.waiting.push(callback);
  }

  private call(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.onUncaught(error);
    }
  }

  kill(): void {
    this.isDead = true;
    this.isPaused = false;
    this.waiting = undefined;
  }

  pause(): void {
    if (this.isDead) return;
    this.isPaused = true;
    this.waiting ??= [];
  }

  /** What fell due meanwhile happens now, in its order. */
  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.world.defer(() => this.catchUp());
  }

  private catchUp(): void {
    if (this.isDead || this.isPaused || this.waiting === undefined) return;
    const next = this.waiting.shift();
    if (next === undefined) {
      this.waiting = undefined;
      return;
    }
    this.call(next);
    this.world.defer(() => this.catchUp());
  }

  jumpWall(deltaMs: number): void {
    this.wallOffsetMs += deltaMs;
  }
}

interface MachineTimer extends TimerHandle {
  timer: TimerHandle | undefined;
  isOver: boolean;
}
