import { AepError, type Clock, type Log, silentLog, SystemClock, type TimerHandle, toError } from '@aep/kernel';
import { within } from '@aep/store/internal';
import { logCommitDetail } from '@aep/store-lmdb/internal';
import type { GroupRecord, Presence, SwapAnswer } from './arbiter.js';
import { type Answer, BaseArbiter, unavailable } from './base-arbiter.js';
import { openRegisterEnvironment, type RegisterEnvironment } from './embedded-environment.js';
import { EmbeddedPresence } from './embedded-presence.js';
import { decodeRecord, encodeRecord, groupName } from './group-record.js';

export interface EmbeddedArbiterOptions {
  /** Directory on a local disk of the host; the same for all members, who may have several groups in it. Made when missing. */
  readonly path: string;
  readonly group: string;
  /** How often the register is looked at for others' changes; a look is a read of mapped memory. @default 20 ms */
  readonly pollMs?: number;
  /** @default 2000 ms */
  readonly requestTimeoutMs?: number;
  /** @default 1000 ms */
  readonly announceIntervalMs?: number;
  readonly clock?: Clock;
  readonly log?: Log;
}

/**
 * The arbiter for members on one host: an LMDB environment that they share (H1). A swap is one conditional put, which LMDB's
 * writer lock makes atomic between processes and which is synced before it is answered. LMDB takes the lock back from a
 * process that was killed; one that is *paused* in the microseconds of its put holds up swaps until it goes on or ends, and
 * they are answered with AEP_ARBITER_UNAVAILABLE meanwhile.
 *
 * A swap that comes too late changes something all the same, a count of attempts. lmdb 3.5 keeps its list of free pages from one
 * write transaction to the next while the number of the newest one is what it remembers, and it also remembers the number of
 * a transaction that changed nothing and was never written:
 *
 * ```
 * this process   | too late: 7, not written |                  | 8: "nobody has written since 7", with the free pages of before
 * another one                                | 7: takes pages  |
 * ```
 * Then the pages of the other one's 7 are written over, and an epoch is given twice.
 *
 * @throws AEP_ARBITER_OPEN, AEP_OPTION_INVALID
 */
export function openEmbeddedArbiter(options: EmbeddedArbiterOptions): EmbeddedArbiter {
  return new EmbeddedArbiter(options, openRegisterEnvironment(options.path));
}

export class EmbeddedArbiter extends BaseArbiter {
  private readonly clock: Clock;
  private readonly key: Buffer;
  private readonly pollMs: number;
  private readonly members: EmbeddedPresence;
  private poll: TimerHandle | undefined;
  private seenEpoch: number | undefined;
  private attemptCount = 0;

  /** @internal */
  constructor(
    options: EmbeddedArbiterOptions,
    private readonly environment: RegisterEnvironment,
  ) {
    const { clock = new SystemClock(), log = silentLog, group } = options;
    const requestTimeoutMs = within('requestTimeoutMs', options.requestTimeoutMs ?? 2_000, 10, 600_000);
    const announceIntervalMs = within('announceIntervalMs', options.announceIntervalMs ?? 1_000, 10, 60_000);
    const where = `embedded://${environment.path}#${group}`;
    super({ clock, log, where, requestTimeoutMs, announceIntervalMs });
    this.clock = clock;
    this.key = Buffer.from(groupName(group));
    this.pollMs = within('pollMs', options.pollMs ?? 20, 1, 60_000);
    this.members = new EmbeddedPresence(environment.path, group, {
      clock,
      keptMs: 3 * announceIntervalMs,
      onFailure: (thrown) => log.log('warn', 'this member could not be announced to the others', {}, thrown),
    });
  }

  protected doRead(answer: Answer<GroupRecord>): void {
    this.attempt(answer, () => this.current());
  }

  protected doCompareAndSet(expectedEpoch: number, record: GroupRecord, answer: Answer<SwapAnswer>): void {
    const { root, registers, attempts } = this.environment;
    const value = Buffer.from(encodeRecord(record));
    const put = (): Promise<boolean> =>
      expectedEpoch === 0
        ? registers.ifNoExists(this.key, () => void registers.put(this.key, value, record.epoch))
        : registers.put(this.key, value, record.epoch, expectedEpoch);
    let swapped: Promise<boolean> | undefined;
    // One transaction on lmdb's own thread, without a turn of this loop inside: the lock is held for as short as can be.
    const committed = root.batch(() => {
      swapped = put();
      void attempts.put(this.key, Buffer.from(String(this.attemptCount++)));
    });
    Promise.all([swapped!, committed]).then(
      ([swapped]) => this.attempt(answer, () => ({ swapped, current: swapped ? record : this.current() })),
      (thrown: unknown) => {
        logCommitDetail(thrown, this.context.log);
        answer(unavailable(this.context.where, toError(thrown).message, thrown));
      },
    );
  }

  protected startWatch(): void {
    this.seenEpoch = undefined;
    this.armPoll(0);
  }

  protected stopWatch(): void {
    if (this.poll !== undefined) this.clock.cancel(this.poll);
    this.poll = undefined;
  }

  protected doAnnounce(presence: Presence): void {
    this.members.write(presence);
  }

  protected doPresence(answer: Answer<readonly Presence[]>): void {
    this.attempt(answer, () => this.members.list());
  }

  protected doClose(done: () => void): void {
    this.members.remove(() => void this.environment.release().then(done, done));
  }

  private armPoll(delayMs: number): void {
    this.poll = this.clock.schedule(delayMs, () => {
      this.armPoll(this.pollMs);
      this.look();
    });
  }

  private look(): void {
    try {
      const record = this.current();
      const epoch = record?.epoch ?? 0;
      if (epoch === this.seenEpoch) return;
      this.seenEpoch = epoch;
      this.changed(record);
    } catch (thrown) {
      this.context.log.log('warn', 'the register could not be read; it is looked at again', {}, thrown);
    }
  }

  private current(): GroupRecord | undefined {
    const { root, registers } = this.environment;
    // The read transaction of this turn may be older than another process's swap.
    root.resetReadTxn();
    const bytes = registers.get(this.key);
    return bytes === undefined ? undefined : decodeRecord(Buffer.from(bytes).toString('utf8'), this.context.where);
  }

  private attempt<T>(answer: Answer<T>, action: () => T | undefined): void {
    let value: T | undefined;
    try {
      value = action();
    } catch (thrown) {
      answer(thrown instanceof AepError ? thrown : unavailable(this.context.where, toError(thrown).message, thrown));
      return;
    }
    answer(undefined, value);
  }
}
