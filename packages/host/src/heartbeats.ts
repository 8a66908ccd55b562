import type { Clock, TimerHandle } from '@aep/kernel';
import type { HeartbeatsModel } from '@aep/model';
import { type Observable, Subject } from 'rxjs';
import type { Companion, Xvm } from './xvm.js';
import type { XvmStatus } from './xvm-status.js';

/** A regular reading of the whole process, for whoever listens and, when asked, as a line in the log. */
export class Heartbeats implements Companion {
  private readonly readings = new Subject<XvmStatus>();
  readonly heartbeat$: Observable<XvmStatus> = this.readings.asObservable();
  private timer: TimerHandle | undefined;

  constructor(
    private readonly options: HeartbeatsModel,
    private readonly clock: Clock,
  ) {}

  open(xvm: Xvm): Promise<void> {
    if (this.options.enabled) this.next(xvm);
    return Promise.resolve();
  }

  close(): Promise<void> {
    if (this.timer !== undefined) this.clock.cancel(this.timer);
    this.readings.complete();
    return Promise.resolve();
  }

  private next(xvm: Xvm): void {
    this.timer = this.clock.schedule(this.options.intervalMs, () => {
      const status = xvm.status();
      if (this.options.log) for (const app of status.apps) xvm.log.log('info', 'heartbeat', lineOf(app));
      this.readings.next(status);
      this.next(xvm);
    });
  }
}

function lineOf({ name, state, messaging, role, statistics }: XvmStatus['apps'][number]) {
  const { stableTxId, inboundQueued, inFlight, inDoubt, counters } = statistics;
  const { received, handled, failed, sent, confirmed } = counters;
  return {
    app: name,
    state,
    messaging,
    role,
    stableTxId,
    inboundQueued,
    inFlight,
    inDoubt,
    received,
    handled,
    failed,
    sent,
    confirmed,
  };
}
