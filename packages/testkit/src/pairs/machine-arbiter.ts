import type { Arbiter, GroupRecord, MemoryArbiter, Presence, SwapAnswer } from '@aep/cluster';
import type { AepError } from '@aep/kernel';
import type { MachineClock } from './machine-clock.js';

/**
 * The arbiter as one simulated process has it. The way to it keeps the world's time, so a request that was sent before a kill
 * or a pause arrives all the same; its answer waits with the process, or finds nobody.
 */
export class MachineArbiter implements Arbiter {
  constructor(
    private readonly arbiter: MemoryArbiter,
    private readonly clock: MachineClock,
  ) {}

  read(done: (error: AepError | undefined, record: GroupRecord | undefined) => void): void {
    if (!this.clock.isDead) this.arbiter.read((error, record) => this.clock.run(() => done(error, record)));
  }

  // oxlint-disable-next-line max-params -- the port's
  compareAndSet(
    expectedEpoch: number,
    record: GroupRecord,
    done: (error: AepError | undefined, answer: SwapAnswer | undefined) => void,
  ): void {
    if (this.clock.isDead) return;
    this.arbiter.compareAndSet(expectedEpoch, record, (error, answer) => this.clock.run(() => done(error, answer)));
  }

  watch(onChange: (record: GroupRecord | undefined) => void): () => void {
    if (this.clock.isDead) return () => undefined;
    return this.arbiter.watch((record) => this.clock.run(() => onChange(record)));
  }

  announce(presence: Presence): void {
    if (!this.clock.isDead) this.arbiter.announce(presence);
  }

  presence(done: (error: AepError | undefined, present: readonly Presence[]) => void): void {
    if (!this.clock.isDead) this.arbiter.presence((error, present) => this.clock.run(() => done(error, present)));
  }

  close(done: () => void): void {
    if (!this.clock.isDead) this.arbiter.close(() => this.clock.run(done));
  }
}
