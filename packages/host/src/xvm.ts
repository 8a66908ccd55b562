import type { Engine, StopReport } from '@aep/engine';
import { AepError, type Clock, describeError, didYouMean, type Log, toError } from '@aep/kernel';
import type { Model } from '@aep/model';
import type { Observable } from 'rxjs';
import type { AppUnit, GroupUnit } from './apps/app-unit.js';
import type { AppStatus, XvmState, XvmStatus, XvmStopReport } from './xvm-status.js';

/** What runs beside the engines and is opened before, and closed after them: the admin server, heartbeats. */
export interface Companion {
  open(xvm: Xvm): Promise<void>;
  close(): Promise<void>;
}

export interface XvmParts {
  readonly name: string;
  readonly model: Model;
  readonly hosted: readonly AppUnit[];
  /** Names of apps, senders before receivers. */
  readonly stopGroups: readonly (readonly string[])[];
  readonly stopTimeoutMs: number;
  readonly companions: readonly Companion[];
  readonly heartbeats: { readonly heartbeat$: Observable<XvmStatus> };
  readonly clock: Clock;
  readonly log: Log;
  readonly pid: number;
}

/** Beyond the deadline of a stop, for closing stores and sockets. */
const GRACE_MS = 2_000;

/** A process that hosts apps: starts and stops their engines in order, and answers for them. Made by {@link startXvm}. */
export class Xvm {
  readonly name: string;
  readonly model: Model;
  readonly log: Log;
  /** Settles when everything has stopped, whoever asked for it. */
  readonly stopped: Promise<XvmStopReport>;
  private settleStopped!: (report: XvmStopReport) => void;
  private current: XvmState = 'starting';
  private stopping: Promise<XvmStopReport> | undefined;
  /** Starts under way: an engine is stopped when its start has come to an end. */
  private readonly starting = new Set<Promise<void>>();
  private keepAlive: NodeJS.Timeout | undefined;
  private readonly startedAtMs: number;
  private readonly startedMonotonicMs: number;
  private readonly reports = new Map<string, StopReport>();

  /** @internal */
  constructor(private readonly parts: XvmParts) {
    this.name = parts.name;
    this.model = parts.model;
    this.log = parts.log;
    this.startedAtMs = parts.clock.wallMs();
    this.startedMonotonicMs = parts.clock.monotonicMs();
    this.stopped = new Promise((resolve) => (this.settleStopped = resolve));
    for (const unit of parts.hosted) void unit.stopped.then((report) => this.onAppStopped(unit, report));
  }

  /** A status at every interval of the xvm's `heartbeats`; nothing when they are off. Completes when the process stops. */
  get heartbeat$(): Observable<XvmStatus> {
    return this.parts.heartbeats.heartbeat$;
  }

  get state(): XvmState {
    return this.current;
  }

  get engines(): readonly Engine[] {
    return this.parts.hosted.map(({ engine }) => engine);
  }

  /** The engine of an app; of a member that is not the primary, one that is not started. @throws AEP_APP_UNKNOWN with the nearest name */
  engine<S = unknown>(app: string): Engine<S> {
    return this.unit(app).engine as Engine<S>;
  }

  get units(): readonly AppUnit[] {
    return this.parts.hosted;
  }

  /** An app of this process. @throws AEP_APP_UNKNOWN with the nearest name */
  unit(app: string): AppUnit {
    const found = this.parts.hosted.find(({ name }) => name === app);
    if (found !== undefined) return found;
    const known = this.parts.hosted.map(({ name }) => name);
    throw new AepError(
      'AEP_APP_UNKNOWN',
      'reject',
      `this process has no app "${app}"${didYouMean(app, known)}; it has ${known.join(', ')}`,
      { app },
    );
  }

  /** Starts an app that does not start with the process. @throws AEP_APP_UNKNOWN, AEP_ENGINE_STATE, AEP_APP_START_FAILED */
  async startApp(app: string): Promise<void> {
    const unit = this.unit(app);
    if (unit.state === 'created' && this.stopping === undefined) return await this.startUnit(unit);
    const why = this.stopping === undefined ? `app "${app}" is ${unit.state}` : 'the process is stopping';
    throw new AepError('AEP_ENGINE_STATE', 'reject', `${why}; an app is started once, while its process runs`, { app });
  }

  /**
   * Starts the apps, receivers before senders; when one fails, those that have started are stopped again.
   *
   * @internal called once, by startXvm and runXvm
   * @throws AEP_APP_START_FAILED naming app, phase and cause (E6)
   */
  async start(): Promise<void> {
    const { companions, stopGroups, hosted } = this.parts;
    // Timers and database threads keep no process alive; an app without sockets would end as soon as it is idle.
    this.keepAlive = setInterval(() => {}, 60_000);
    try {
      for (const companion of companions) await companion.open(this);
      const automatic = new Set(hosted.filter(({ autoStart }) => autoStart).map(({ name }) => name));
      for (const group of stopGroups.toReversed()) {
        if (this.stopping !== undefined) return;
        const names = group.filter((name) => automatic.has(name));
        await settleAll(names.map((name) => this.startUnit(this.unit(name))));
      }
    } catch (failure) {
      await this.stop(failure as AepError);
      throw failure;
    }
    if (this.current === 'starting') this.current = 'started';
  }

  /**
   * Stops the apps, senders before receivers, within `stopTimeoutMs`; what holds the stop at the deadline is logged and in
   * the report (E4). A second call answers the first one's promise. Never rejects.
   *
   * @param cause keeps joins, and takes no more input
   */
  stop(cause?: AepError): Promise<XvmStopReport> {
    this.stopping ??= this.runStop(cause);
    return this.stopping;
  }

  status(): XvmStatus {
    const { clock, hosted, pid } = this.parts;
    return {
      xvm: this.name,
      state: this.current,
      pid,
      startedAtMs: this.startedAtMs,
      uptimeMs: Math.round(clock.monotonicMs() - this.startedMonotonicMs),
      apps: hosted.map(({ name, engine, state, role, autoStart, group }) => {
        const statistics = engine.statistics();
        const { messaging } = statistics;
        return { name, state, messaging, role, autoStart, statistics, ...groupPart(group) };
      }),
    };
  }

  private async startUnit(unit: AppUnit): Promise<void> {
    const started = unit.start();
    this.starting.add(started);
    try {
      await started;
      this.log.log('info', 'app started', {
        app: unit.name,
        role: unit.role,
        messaging: unit.engine.messagingState,
      });
    } catch (thrown) {
      const advice = thrown instanceof AepError ? thrown.advice : 'fatal';
      const code = thrown instanceof AepError ? `${thrown.code}: ` : '';
      const message = `app "${unit.name}" did not start: ${code}${toError(thrown).message}`;
      throw new AepError('AEP_APP_START_FAILED', advice, message, { app: unit.name }, thrown);
    } finally {
      this.starting.delete(started);
    }
  }

  /** An app that stops by itself takes the process with it when it has a cause (H22): supervisors restart processes. */
  private onAppStopped({ name }: AppUnit, report: StopReport): void {
    this.reports.set(name, report);
    if (this.stopping !== undefined || this.current === 'starting') return;
    if (report.cause !== undefined) {
      this.log.log('error', 'an app stopped, and the process with it', { app: name }, report.cause);
      void this.stop(report.cause);
    } else if (this.parts.hosted.every(({ state }) => state === 'stopped')) void this.stop();
  }

  private async runStop(cause: AepError | undefined): Promise<XvmStopReport> {
    const { stopTimeoutMs, companions } = this.parts;
    this.current = 'stopping';
    this.log.log('info', 'stopping', { xvm: this.name, timeoutMs: stopTimeoutMs });
    await this.within(stopTimeoutMs + GRACE_MS, this.stopInOrder(cause));
    const report = this.report(cause);
    for (const companion of companions.toReversed()) {
      await companion.close().catch((error: unknown) => this.log.log('error', 'did not close', {}, error));
    }
    clearInterval(this.keepAlive);
    this.current = 'stopped';
    for (const [app, holds] of Object.entries(report.heldBy)) this.log.log('warn', 'held the stop', { app, holds });
    this.log.log('info', 'stopped', { xvm: this.name, drained: report.drained });
    this.settleStopped(report);
    return report;
  }

  /** All engines share one deadline: what senders take is not there for receivers. */
  private async stopInOrder(cause: AepError | undefined): Promise<void> {
    const { clock, stopGroups, stopTimeoutMs } = this.parts;
    const endMs = clock.monotonicMs() + stopTimeoutMs;
    // A member that waits for its group is told to stop; an engine's start has an end of its own.
    for (const unit of this.units) if (unit.group !== undefined && unit.state === 'starting') void unit.stop(cause, 0);
    await Promise.allSettled(this.starting);
    const passedOn = cause === undefined ? undefined : becauseOf(cause);
    for (const group of stopGroups) {
      const leftMs = Math.max(0, endMs - clock.monotonicMs());
      await Promise.all(group.map((name) => this.unit(name).stop(passedOn, leftMs)));
    }
  }

  private async within(timeoutMs: number, work: Promise<void>): Promise<void> {
    const { clock } = this.parts;
    let isLate = (): void => {};
    const late = new Promise<void>((resolve) => (isLate = resolve));
    const timer = clock.schedule(timeoutMs, isLate);
    await Promise.race([work, late]);
    clock.cancel(timer);
  }

  private report(cause: AepError | undefined): XvmStopReport {
    const heldBy: Record<string, string> = {};
    for (const { name, engine } of this.units) {
      const report = this.reports.get(name);
      const holds = report === undefined ? workLeft(engine) : report.heldBy;
      if (holds !== undefined) heldBy[name] = holds;
    }
    const drained = Object.keys(heldBy).length === 0;
    return Object.freeze({ cause, drained, heldBy, apps: Object.fromEntries(this.reports) });
  }
}

function groupPart(group: GroupUnit | undefined): Pick<AppStatus, 'group'> {
  if (group === undefined) return {};
  return { group: { ...group.status(), events: Object.fromEntries(group.eventCounts) } };
}

/** What an engine still has to do, from the outside. */
function workLeft(engine: Engine): string {
  try {
    const { state, inboundQueued, inFlight, inDoubt } = engine.statistics();
    return `${state}: ${inboundQueued} events queued, ${inFlight} transactions in flight, ${inDoubt} messages in doubt`;
  } catch (thrown) {
    // A reading asks the disk; one that is gone must not keep the process from stopping.
    return `${engine.state}: ${describeError(thrown)}`;
  }
}

/** The other apps end what they have begun, so the cause that they are given must not be fatal to them as well. */
function becauseOf(cause: AepError): AepError {
  return new AepError('AEP_XVM_STOPPED', 'retry', `the process stops: ${cause.message}`, { cause: cause.code }, cause);
}

/** Waits for all, then throws the first failure: none goes on in the background. */
async function settleAll(promises: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(promises);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason as Error;
}
