import {
  type Arbiter,
  Member,
  type MemberEvent,
  type MemberOptions,
  type MemberStatus,
  type Presence,
} from '@aep/cluster';
import type { Engine, StopReport } from '@aep/engine';
import { AepError, type Clock, type Log, type Random } from '@aep/kernel';
import type { StartupExpectationsModel } from '@aep/model';
import { type Network } from '@aep/net';
import type { StoreMaker } from '@aep/store';
import type { AppUnit, GroupUnit } from './app-unit.js';
import { GroupEngines, type GroupEnginesOptions } from './group-engines.js';

export interface GroupAppOptions {
  readonly name: string;
  readonly autoStart: boolean;
  readonly member: MemberOptions;
  readonly openArbiter: () => Arbiter;
  readonly stores: StoreMaker & { closeLast(): Promise<void> };
  readonly network: Network;
  readonly engines: Pick<GroupEnginesOptions, 'make' | 'first'>;
  readonly expectations: StartupExpectationsModel;
  readonly stopTimeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/**
 * An app as a member of a group (H1–H22): its engine runs where the primary is. Up when the engine is active here, or when
 * this member follows the one where it is.
 */
export class GroupApp implements AppUnit, GroupUnit {
  readonly stopped: Promise<StopReport>;
  readonly eventCounts = new Map<string, number>();
  private readonly engines: GroupEngines;
  private member: Member | undefined;
  private arbiter: Arbiter | undefined;
  private current: MemberStatus | undefined;
  private drainMs: number;
  private phase: 'created' | 'starting' | 'started' | 'stopping' | 'stopped' = 'created';
  private readonly started: Promise<void>;
  private settleStarted!: (error?: AepError) => void;
  private settleStopped!: (report: StopReport) => void;
  private stopCause: AepError | undefined;

  constructor(private readonly options: GroupAppOptions) {
    this.drainMs = options.stopTimeoutMs;
    this.engines = new GroupEngines({
      ...options.engines,
      log: options.log,
      drainMs: () => this.drainMs,
      isEnding: () => this.phase === 'stopping' || this.phase === 'stopped',
      mayLead: () => (options.expectations.role === 'Backup' ? this.wrongRole('primary') : undefined),
    });
    this.stopped = new Promise((resolve) => (this.settleStopped = resolve));
    this.started = new Promise((resolve, reject) => {
      this.settleStarted = (error) => (error === undefined ? resolve() : reject(error));
    });
    this.started.catch(() => undefined); // told by start()
  }

  get name(): string {
    return this.options.name;
  }

  get autoStart(): boolean {
    return this.options.autoStart;
  }

  get engine(): Engine {
    return this.engines.current;
  }

  get state(): string {
    return this.role === 'primary' && this.phase === 'started' ? this.engine.state : this.phase;
  }

  get role(): string {
    return this.status().role;
  }

  get group(): GroupUnit {
    return this;
  }

  status(): MemberStatus {
    return this.member?.status() ?? this.unstarted();
  }

  present(): Promise<readonly Presence[]> {
    return new Promise((resolve, reject) => {
      const { arbiter } = this;
      if (arbiter === undefined) reject(this.notRunning());
      else arbiter.presence((error, present) => (error === undefined ? resolve(present) : reject(error)));
    });
  }

  switchTo(name: string | undefined): Promise<void> {
    const others = (this.status().register?.members ?? []).filter((one) => one.name !== this.options.member.name);
    const target = name ?? (others.length === 1 ? others[0]!.name : undefined);
    if (target === undefined) return Promise.reject(this.noTarget(others.map((one) => one.name)));
    return this.ask((member, done) => member.switchTo(target, done));
  }

  promoteUnsafe(): Promise<void> {
    return this.ask((member, done) => member.promoteUnsafe(done));
  }

  private ask(call: (member: Member, done: (error: AepError | undefined) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const { member } = this;
      if (member === undefined) reject(this.notRunning());
      else call(member, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  private notRunning(): AepError {
    return new AepError('AEP_ENGINE_STATE', 'reject', `app "${this.name}" is ${this.phase}: start it first`, {
      app: this.name,
    });
  }

  private noTarget(others: readonly string[]): AepError {
    const which = others.length === 0 ? 'no other member is listed' : `name one of ${others.join(', ')}`;
    return new AepError(
      'AEP_SWITCH_TARGET',
      'reject',
      `app "${this.name}": to whom is it to be handed over? ${which}`,
      {
        app: this.name,
      },
    );
  }

  start(): Promise<void> {
    if (this.phase !== 'created') return this.started;
    this.phase = 'starting';
    const { member, stores, network, clock, random, log } = this.options;
    try {
      this.arbiter = this.options.openArbiter();
      this.member = new Member(member, {
        clock,
        random,
        network,
        arbiter: this.arbiter,
        stores,
        log,
        engines: {
          start: (store, listener) =>
            this.engines.start(store, {
              ...listener,
              onStarted: () => {
                listener.onStarted();
                this.isUp('primary');
              },
              onEnded: (cause) => listener.onEnded(cause),
            }),
        },
        ...(this.engines.replay === undefined ? {} : { replay: this.engines.replay }),
        onEvent: (event) => this.onEvent(event),
        onStopped: (cause) => this.onStopped(cause),
      });
      this.member.start();
    } catch (thrown) {
      this.onStopped(thrown as AepError);
    }
    return this.started;
  }

  stop(cause: AepError | undefined, deadlineMs: number): Promise<StopReport> {
    if (this.phase === 'stopping' || this.phase === 'stopped') return this.stopped;
    this.stopCause = cause;
    this.drainMs = deadlineMs;
    const { member } = this;
    this.phase = 'stopping';
    if (member === undefined) this.onStopped(undefined);
    else member.stop();
    return this.stopped;
  }

  private onEvent(event: MemberEvent): void {
    this.eventCounts.set(event.type, (this.eventCounts.get(event.type) ?? 0) + 1);
    if (this.phase !== 'starting') return;
    // Listed is not enough: a primary that restarts is listed too, before it takes its new epoch.
    this.options.clock.defer(() => {
      const { role, isLinked } = this.status();
      if (role === 'backup' && isLinked) this.isUp('backup');
    });
  }

  private isUp(role: 'primary' | 'backup'): void {
    if (this.phase !== 'starting') return;
    const { expectations } = this.options;
    if (role === 'backup' && expectations.role === 'Primary') {
      this.stopCause = this.wrongRole('backup');
      this.phase = 'stopping';
      this.member!.stop();
      return;
    }
    this.phase = 'started';
    this.settleStarted();
  }

  /** M5: asked only while it comes up; later a member takes over whatever was expected at its start. */
  private wrongRole(found: 'primary' | 'backup'): AepError | undefined {
    if (this.phase !== 'starting') return undefined;
    const { name, expectations, member } = this.options;
    return new AepError(
      'AEP_STARTUP_EXPECTATION',
      'reject',
      `app "${name}" expects to come up as ${expectations.role}, and member "${member.name}" of group "${member.group}" came up as ${found}: look at the other members, or change startupExpectations.role`,
      { app: name, expected: expectations.role, found },
    );
  }

  private onStopped(cause: AepError | undefined): void {
    if (this.phase === 'stopped') return;
    this.current = this.member?.status();
    this.phase = 'stopped';
    const why = cause ?? this.stopCause;
    const failure = why ?? new AepError('AEP_ENGINE_STOPPED', 'retry', `app "${this.name}" was stopped`, {});
    // What it held is free again when the start has failed.
    void this.stopped.then(() => this.settleStarted(failure));
    void this.release().then(async () => {
      // A member that follows has nothing to drain.
      const { engine } = this;
      const { drained, heldBy } = engine.state === 'stopped' ? await engine.stopped : NOTHING_LEFT;
      this.settleStopped({ cause: why, drained, heldBy });
    });
  }

  private async release(): Promise<void> {
    const { clock, stores, log } = this.options;
    let giveUp = (): void => undefined;
    const late = new Promise<void>((resolve) => (giveUp = resolve));
    const timer = clock.schedule(CLOSE_MS_MAX, giveUp);
    const closed = stores
      .closeLast()
      .catch((error: unknown) => log.log('error', 'the store of the member did not close', {}, error));
    await Promise.race([closed, late]);
    clock.cancel(timer);
    await this.engines.close();
    await new Promise<void>((resolve) => (this.arbiter === undefined ? resolve() : this.arbiter.close(resolve)));
  }

  private unstarted(): MemberStatus {
    const { group, name, address, acks = 'members' } = this.options.member;
    return (
      this.current ?? {
        group,
        name,
        role: this.phase === 'stopped' ? 'stopped' : 'joining',
        epoch: 0,
        address,
        acks,
        register: undefined,
        storeId: undefined,
        incarnation: undefined,
        promisedEpoch: 0,
        lastTxId: 0,
        stableTxId: 0,
        appliedTxId: 0,
        isLinked: false,
        followers: [],
        recentBytes: 0,
        replay: undefined,
        cause: undefined,
      }
    );
  }
}

const NOTHING_LEFT = { drained: true, heldBy: undefined } as const;

/** A store whose disk hangs is left to the end of the process. */
const CLOSE_MS_MAX = 2_000;
