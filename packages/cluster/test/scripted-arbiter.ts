import { AepError, type Clock } from '@aep/kernel';
import type { Arbiter, GroupRecord, Presence, SwapAnswer } from '@aep/cluster';

/** One register for all members of a test, with the faults that an arbiter may have. */
export class ScriptedArbiter {
  record: GroupRecord | undefined;
  /** Every value that the register has had. */
  readonly history: GroupRecord[] = [];
  /** Members that cannot reach it: their calls end with an error, and a swap may still happen. */
  readonly cutOff = new Set<string>();
  /** Swaps of members that are cut off happen this much later; Infinity: never. */
  lateSwapMs = Infinity;
  private readonly watchers = new Map<() => void, string>();
  private readonly announced = new Map<string, Presence>();

  constructor(
    private readonly clock: Clock,
    private readonly delayMs = 1,
  ) {}

  /** The arbiter as this member sees it. */
  of(member: string): Arbiter {
    return {
      read: (done) => this.answer(member, (error) => done(error, this.record)),
      compareAndSet: (expectedEpoch, record, done) => {
        if (this.cutOff.has(member) && this.lateSwapMs < Infinity)
          this.clock.schedule(this.lateSwapMs, () => void this.swap(expectedEpoch, record));
        this.answer(member, (error) => done(error, error === undefined ? this.swap(expectedEpoch, record) : undefined));
      },
      watch: (onChange) => {
        const look = (): void => {
          if (!this.cutOff.has(member) && this.watchers.has(look)) onChange(this.record);
        };
        this.watchers.set(look, member);
        this.clock.defer(look);
        return () => void this.watchers.delete(look);
      },
      announce: (presence) => void this.announced.set(presence.name, presence),
      presence: (done) => this.answer(member, (error) => done(error, [...this.announced.values()])),
      close: (done) => this.clock.defer(done),
    };
  }

  /** The process of this member is gone: nothing of it is called back. */
  crash(member: string): void {
    for (const [look, owner] of this.watchers) if (owner === member) this.watchers.delete(look);
    this.announced.delete(member);
  }

  private swap(expectedEpoch: number, record: GroupRecord): SwapAnswer {
    if ((this.record?.epoch ?? 0) !== expectedEpoch) return { swapped: false, current: this.record };
    this.record = record;
    this.history.push(record);
    for (const look of this.watchers.keys()) this.clock.schedule(this.delayMs, look);
    return { swapped: true, current: record };
  }

  private answer(member: string, done: (error: AepError | undefined) => void): void {
    this.clock.schedule(this.delayMs, () =>
      done(
        this.cutOff.has(member)
          ? new AepError('AEP_ARBITER_UNAVAILABLE', 'retry', 'the arbiter cannot be reached')
          : undefined,
      ),
    );
  }
}
