import type { Clock } from '@aep/kernel';

/** One direction of a connection: what is put in arrives later, in order. */
export class Pipe {
  private readonly items: { readonly dueMs: number; readonly arrive: () => void }[] = [];
  private lastDueMs = 0;
  private isPlanned = false;
  private isCut = false;

  /** @param isHeld nothing arrives while it says so; {@link pump} tells that it may again */
  constructor(
    private readonly clock: Clock,
    private readonly delayMs: () => number,
    private readonly isHeld: () => boolean,
  ) {}

  put(arrive: () => void): void {
    if (this.isCut) return;
    this.lastDueMs = Math.max(this.lastDueMs, this.clock.monotonicMs() + this.delayMs());
    this.items.push({ dueMs: this.lastDueMs, arrive });
    this.pump();
  }

  /** The connection is over: the first `kept` of what is under way still arrive, the rest never. */
  cut(kept = 0): void {
    this.isCut = true;
    this.items.length = Math.min(this.items.length, kept);
  }

  get size(): number {
    return this.items.length;
  }

  pump(): void {
    const next = this.items[0];
    if (next === undefined || this.isPlanned || this.isHeld()) return;
    this.isPlanned = true;
    this.clock.schedule(Math.max(0, next.dueMs - this.clock.monotonicMs()), () => {
      this.isPlanned = false;
      if (this.items.length === 0 || this.isHeld()) return;
      this.items.shift()!.arrive();
      this.pump();
    });
  }
}
