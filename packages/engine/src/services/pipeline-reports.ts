import type { AepError, Log } from '@aep/kernel';
import {
  type AlertEvent,
  ApplicationException,
  GapEvent,
  StaleSenderAlert,
  StuckAlert,
  UnhandledMessageEvent,
  type UnhandledReason,
} from '../app/events.js';
import type { EngineCounters } from '../statistics.js';
import type { FailureAction } from '../transaction/failures.js';
import type { Reports } from '../transaction/pipeline.js';
import type { Work } from '../transaction/work.js';

/** Turns what the pipeline noticed into alerts with the facts that an operator needs (E7, E16). */
export class PipelineReports implements Reports {
  constructor(
    private readonly engine: string,
    private readonly log: Log,
    private readonly counters: EngineCounters,
    private readonly raise: (event: AlertEvent) => void,
  ) {}

  onGap(work: Work, missing: number): void {
    const { port, delivery } = work;
    port!.statistics.gaps++;
    const { senderId, channelSno } = delivery!.metadata;
    const place = { bus: port!.bus.name, channel: port!.description.name };
    this.raise(new GapEvent(this.engine, { ...place, senderId, expected: channelSno - missing, got: channelSno }));
  }

  onStaleSender(work: Work): void {
    const { port, delivery } = work;
    const { senderId, incarnation } = delivery!.metadata;
    const place = { bus: port!.bus.name, channel: port!.description.name };
    this.raise(new StaleSenderAlert(this.engine, { ...place, senderId, incarnation }));
  }

  onUnhandled(work: Work, reason: UnhandledReason, detail: string): void {
    const { delivery, message } = work;
    const port = work.port ?? work.local?.port;
    const facts = {
      bus: port?.bus.name,
      channel: port?.description.name,
      key: delivery?.key,
      senderId: delivery?.metadata.senderId,
      sno: delivery?.metadata.sno,
      factoryId: delivery?.metadata.factoryId ?? message?.$type.factoryId,
      typeId: delivery?.metadata.typeId ?? message?.$type.typeId,
      reason,
    };
    this.raise(new UnhandledMessageEvent(this.engine, reason, detail, facts));
  }

  onException(work: Work, cause: AepError, handler: string, action: FailureAction): void {
    const facts = { handler, type: work.message?.$type.fullName, attempt: work.attempt, action: action.kind };
    this.log.log('warn', 'a handler failed', facts, cause);
    this.raise(new ApplicationException(this.engine, cause, facts));
  }

  onStuck(handler: string, waitedMs: number): void {
    this.counters.stuckAlerts++;
    this.raise(new StuckAlert(this.engine, `handler ${handler}`, waitedMs));
  }
}
