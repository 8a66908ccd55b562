import { Engine, type StopReport } from '@aep/engine';
import { AepError, type Clock, describeError, didYouMean, type Log } from '@aep/kernel';
import type { Model } from '@aep/model';
import type { XvmState, XvmStatus, XvmStopReport } from './xvm-status.js';

/** One app of the process with its engine. */
export interface HostedEngine {
  readonly engine: Engine;
  readonly autoStart: boolean;
}

export interface XvmParts {
  readonly name: string;
  readonly model: Model;
  readonly hosted: readonly HostedEngine[];
  /** Names of apps, senders before receivers. */
  readonly stopGroups: readonly (readonly string[])[];
  readonly stopTimeoutMs: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly pid: number;
  /** What is closed after the engines: admin server, containers. */
  readonly closeLast: () => Promise<void>;
}

/** After the deadline an engine that is already stopping gets this long to close its store. */
const GRACE_MS = 2_000;

/** A process that hosts apps: starts and stops their engines in order, and answers for them. Made by {@link startXvm}. */
export class Xvm {
  readonly name: string;
  readonly model: Model;
  /** Settles when everything has stopped, whoever asked for it. */
  readonly stopped: Promise<XvmStopReport>;
  private settleStopped!: (report: XvmStopReport) => void;
  private current: XvmState = 'starting';
  private stopping: Promise<XvmStopReport> | undefined;
  private readonly startedAtMs: number;
  private readonly startedMonotonicMs: number;
  private readonly reports = new Map<string, StopReport>();

  /** @internal */
  constructor(private readonly parts: XvmParts) {
    this.name = parts.name;
    this.model = parts.model;
    this.startedAtMs = parts.clock.wallMs();
    this.startedMonotonicMs = parts.clock.monotonicMs();
    this.stopped = new Promise((resolve) => (this.settleStopped = resolve));
    for (const { engine } of parts.hosted) void engine.stopped.then((report) => this.onEngineStopped(engine, report));
  }

  get state(): XvmState {
    return this.current;
  }

  get engines(): readonly Engine[] {
    return this.parts.hosted.map(({ engine }) => engine);
  }

  /** The engine of an app. @throws AEP_APP_UNKNOWN with the nearest name */
  engine<S = unknown>(app: string): Engine<S> {
    const found = this.engines.find(({ name }) => name === app);
    if (found !== undefined) return found as Engine<S>;
    const known = this.engines.map(({ name }) => name);
    throw new AepError(
      'AEP_APP_UNKNOWN',
      'reject',
      `this process has no app "${app}"${didYouMean(app, known)}; it has ${known.join(', ')}`,
      { app },
    );
  }

  /** Starts an app that does not start with the process. @throws AEP_APP_UNKNOWN, AEP_ENGINE_STATE, AEP_APP_START_FAILED */
  async startApp(app: string): Promise<void> {
    const engine = this.engine(app);
    // Asked for by a person, who is told: a state that does not allow it is no reason to stop the process.
    if (engine.state !== 'created') return await engine.start();
    await this.startEngine(engine);
  }

  /**
   * Starts the apps, receivers before senders; when one fails, those that have started are stopped again.
   *
   * @internal called once, by startXvm
   * @throws AEP_APP_START_FAILED naming app, phase and cause (E6)
   */
  async start(): Promise<void> {
    try {
      for (const group of this.parts.stopGroups.toReversed()) {
        const engines = group.filter((name) => this.hosted(name).autoStart).map((name) => this.engine(name));
        await settleAll(engines.map((engine) => this.startEngine(engine)));
      }
    } catch (failure) {
      await this.stop(failure as AepError);
      throw failure;
    }
    if (this.current === 'starting') this.current = 'started';
  }

  /**
   * Stops the apps, senders before receivers, within `stopTimeoutMs`; at the deadline what holds the stop is logged and the
   * rest is stopped without draining (E4). A second call answers the first one's promise. Never rejects.
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
      apps: hosted.map(({ engine, autoStart }) => {
        const statistics = engine.statistics();
        return {
          name: engine.name,
          state: engine.state,
          messaging: engine.messagingState,
          role: statistics.role as 'primary' | 'backup',
          autoStart,
          statistics,
        };
      }),
    };
  }

  private hosted(app: string): HostedEngine {
    return this.parts.hosted.find(({ engine }) => engine.name === app)!;
  }

  private async startEngine(engine: Engine): Promise<void> {
    try {
      await engine.start();
      this.parts.log.log('info', 'app started', {
        app: engine.name,
        state: engine.state,
        messaging: engine.messagingState,
      });
    } catch (thrown) {
      const cause = thrown instanceof AepError ? thrown : undefined;
      throw new AepError(
        'AEP_APP_START_FAILED',
        cause?.advice ?? 'fatal',
        `app "${engine.name}" did not start: ${describeError(thrown)}`,
        { app: engine.name, cause: cause?.code },
        thrown,
      );
    }
  }

  /** An engine that stops by itself: with a cause it takes the process with it, as a supervisor restarts processes. */
  private onEngineStopped(engine: Engine, report: StopReport): void {
    this.reports.set(engine.name, report);
    if (this.stopping !== undefined || this.current === 'starting') return;
    if (report.cause !== undefined) {
      this.parts.log.log('error', 'an app stopped, and the process with it', { app: engine.name }, report.cause);
      void this.stop(report.cause);
    } else if (this.engines.every(({ state }) => state === 'stopped')) void this.stop();
  }

  private async runStop(cause: AepError | undefined): Promise<XvmStopReport> {
    const { log, stopGroups, stopTimeoutMs, clock } = this.parts;
    this.current = 'stopping';
    log.log('info', 'stopping', { xvm: this.name, timeoutMs: stopTimeoutMs });
    // Nothing else may be left that keeps the process alive while engines wait for timers and confirmations.
    const keepAlive = setInterval(() => {}, stopTimeoutMs);
    const inOrder = this.stopInOrder(stopGroups, cause);
    let timer;
    const deadline = new Promise<'late'>((resolve) => (timer = clock.schedule(stopTimeoutMs, () => resolve('late'))));
    if ((await Promise.race([inOrder, deadline])) === 'late') await this.stopAtOnce();
    else clock.cancel(timer!);
    await this.parts.closeLast();
    clearInterval(keepAlive);
    this.current = 'stopped';
    const report = this.report(cause);
    log.log(report.drained ? 'info' : 'warn', 'stopped', { xvm: this.name, drained: report.drained, ...report.heldBy });
    this.settleStopped(report);
    return report;
  }

  private async stopInOrder(groups: readonly (readonly string[])[], cause: AepError | undefined): Promise<void> {
    for (const group of groups)
      await Promise.all(group.map((name) => this.engine(name)).map((engine) => engine.stop(cause)));
  }

  private async stopAtOnce(): Promise<void> {
    const { clock, log, stopTimeoutMs } = this.parts;
    const late = this.engines.filter(({ state }) => state !== 'stopped');
    for (const engine of late)
      log.log('warn', 'still holds the stop at its deadline', { app: engine.name, holds: holdOf(engine) });
    const cause = new AepError(
      'AEP_STOP_DEADLINE',
      'fatal',
      `the process did not stop within ${stopTimeoutMs} ms; what is in the journal is handled after the next start`,
      {
        stopTimeoutMs,
      },
    );
    const grace = new Promise<void>((resolve) => void clock.schedule(GRACE_MS, resolve));
    await Promise.race([Promise.all(late.map((engine) => engine.stop(cause))), grace]);
  }

  private report(cause: AepError | undefined): XvmStopReport {
    const heldBy: Record<string, string> = {};
    for (const engine of this.engines) {
      const report = this.reports.get(engine.name);
      if (report === undefined) heldBy[engine.name] = holdOf(engine);
      else if (report.heldBy !== undefined) heldBy[engine.name] = report.heldBy;
      else if (report.cause?.code === 'AEP_STOP_DEADLINE') heldBy[engine.name] = 'its turn had not come';
    }
    return Object.freeze({
      cause,
      drained: Object.keys(heldBy).length === 0,
      heldBy,
      apps: Object.fromEntries(this.reports),
    });
  }
}

/** What an engine still has to do, from the outside. */
function holdOf(engine: Engine): string {
  const { state, inboundQueued, inFlight, inDoubt } = engine.statistics();
  return `${state}: ${inboundQueued} events queued, ${inFlight} transactions in flight, ${inDoubt} messages in doubt`;
}

/** Waits for all, then throws the first failure: none goes on in the background. */
async function settleAll(promises: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(promises);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason as Error;
}
