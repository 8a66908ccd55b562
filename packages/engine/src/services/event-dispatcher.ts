import { AepError, type Log, toError } from '@aep/kernel';
import { Subject, type Observable } from 'rxjs';
import type { AppDefinition } from '../app/app-definition.js';
import { AlertEvent, ApplicationException, type EngineEvent } from '../app/events.js';

/**
 * Hands engine events to the application, outside of transactions. An exception of such a handler is logged and raised as
 * an alert; it never reaches the engine (E22).
 */
export class EventDispatcher {
  private readonly alerts = new Subject<AlertEvent>();
  readonly alerts$: Observable<AlertEvent> = this.alerts.asObservable();

  constructor(
    private readonly app: AppDefinition,
    private readonly engine: string,
    private readonly log: Log,
  ) {}

  /** Calls the handlers in the order of registration and waits for the asynchronous ones. */
  async dispatch(event: EngineEvent): Promise<void> {
    if (event instanceof AlertEvent) this.announce(event);
    for (const handler of this.app.eventHandlers) {
      if (!(event instanceof handler.type)) continue;
      try {
        await handler.call(event);
      } catch (thrown) {
        this.report(thrown, handler.name, event);
      }
    }
  }

  /** As {@link dispatch} for callers that cannot wait. */
  raise(event: EngineEvent): void {
    void this.dispatch(event);
  }

  complete(): void {
    this.alerts.complete();
  }

  private announce(event: AlertEvent): void {
    const isExpected = event.kind === 'EngineStopped' && event.message === 'the engine stopped';
    this.log.log(isExpected ? 'info' : 'warn', event.message, { alert: event.kind, ...event.facts });
    this.alerts.next(event);
  }

  private report(thrown: unknown, handler: string, event: EngineEvent): void {
    const cause =
      thrown instanceof AepError
        ? thrown
        : new AepError(
            'AEP_HANDLER_FAILED',
            'reject',
            `${handler} threw ${toError(thrown).message}`,
            { handler },
            thrown,
          );
    this.log.log('error', `a handler of ${event.constructor.name} failed`, { handler }, cause);
    // A failing handler of alerts would be called for its own failure without end.
    if (!(event instanceof AlertEvent)) this.raise(new ApplicationException(this.engine, cause, { handler }));
  }
}
