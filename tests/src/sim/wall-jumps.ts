import { SeededRandom, type VirtualClock } from '@aep/kernel';

const HOURS_MS = 12 * 3_600_000;
const YEARS_MS = 5 * 365 * 24 * 3_600_000;

/** The wall clock goes back and forth by up to years while the monotonic one goes on; not in a third of the seeds. */
export class WallJumps {
  /** Of its own, so that a seed does the same with and without jumps. */
  private readonly random: SeededRandom;
  private readonly rate: number;
  private offsetMs = 0;

  constructor(
    private readonly clock: VirtualClock,
    seed: number,
  ) {
    this.random = new SeededRandom(seed ^ 0x5eed);
    this.rate = this.random.below(3) === 0 ? 0 : this.random.float() * 0.1;
  }

  step(): void {
    if (this.random.float() >= this.rate) return;
    const farthestMs = this.random.below(2) === 0 ? HOURS_MS : YEARS_MS;
    this.goTo(Math.round((this.random.float() - 0.5) * 2 * farthestMs));
  }

  /** Later than it has ever been. */
  toTheEnd(): void {
    this.goTo(2 * YEARS_MS);
  }

  private goTo(offsetMs: number): void {
    this.clock.jumpWall(offsetMs - this.offsetMs);
    this.offsetMs = offsetMs;
  }
}
