import type { MessageFilterCall } from '../app/app-definition.js';
import type { UnhandledReason } from '../app/events.js';
import { type ChainLink, type HandlerChain, type HandlerTable } from '../app/handler-table.js';
import type { MessageEvent } from '../app/message-event.js';
import type { EngineCounters, LatencyStatistics } from '../statistics.js';
import type { LoopTime } from './loop-time.js';
import type { Work } from './work.js';

/** What the numbers of a stream can tell an operator. */
export interface DedupeReports {
  onGap(work: Work, missing: number): void;
  /** The sender's store is older than one that was heard before: all of it counts as seen (E51). */
  onStaleSender(work: Work): void;
}

export interface IntakeParts {
  /** Filled for each event; what hooks, filters and handlers see. */
  readonly event: MessageEvent;
  readonly handlers: HandlerTable;
  readonly filters: readonly MessageFilterCall[];
  readonly counters: EngineCounters;
  readonly latencies: LatencyStatistics | undefined;
  readonly time: LoopTime;
  /** The journal of an event-sourced application does not say where a replayed dead letter came from, so it must not matter. */
  readonly isEventSourced: boolean;
  readonly reports: DedupeReports;
}

/**
 * - `dispatch`: `chain` takes it.
 * - `filtered`: a message filter refused it; it is only acknowledged (E15).
 * - `unhandled`: nobody takes it, for `reason` (E16).
 */
export type Admission = 'dispatch' | 'filtered' | 'unhandled';

/** Finds out what an event is and who takes it. It decides nothing: the pipeline acts on its answers. */
export class Intake {
  chain: HandlerChain = NO_CHAIN;
  reason: UnhandledReason = 'no-handler';
  detail = '';

  constructor(private readonly parts: IntakeParts) {}

  /** The first look at a delivery: counts it and moves the mark of its stream (E51, E52). */
  isDuplicate(work: Work): boolean {
    const { counters, latencies, time } = this.parts;
    const port = work.port!;
    const { metadata, start, end } = work.delivery!;
    port.giveType(metadata);
    counters.received++;
    port.statistics.received++;
    port.statistics.bytesIn += end - start;
    if (work.isTimed) latencies!.queueWait.record((time.nowMs - work.offeredAtMs) * 1000);
    if (port.marks.classify(metadata) === 'duplicate') {
      counters.duplicates++;
      port.statistics.duplicates++;
      if (port.marks.isStale) this.parts.reports.onStaleSender(work);
      return true;
    }
    if (port.marks.missing > 0 && !port.isFiltered) this.parts.reports.onGap(work, port.marks.missing);
    return false;
  }

  /** Everything up to the transaction; again for each attempt. @throws AEP_MESSAGE_MALFORMED, and what a message filter throws */
  examine(work: Work): Admission {
    const { local } = work;
    if (local === undefined) return this.examineDelivery(work);
    const { message } = local;
    if (message === undefined) {
      this.chain = local.call === undefined ? NO_CHAIN : commandChain(work);
      return 'dispatch';
    }
    work.message = message;
    this.describe(work);
    const port = this.parts.isEventSourced ? undefined : local.port;
    this.chain = this.parts.handlers.chainFor(message.$type, port?.slot ?? 0, port?.source);
    return this.chain.handled ? 'dispatch' : this.unhandledBy('the process', message.$type.fullName);
  }

  private examineDelivery(work: Work): Admission {
    const { handlers } = this.parts;
    const port = work.port!;
    const { metadata, bytes, start, end } = work.delivery!;
    if (!port.joined) {
      const problem = port.isKnown ? 'is not joined by the application' : 'does not exist in the deployment';
      return this.unhandled('unknown-channel', `channel ${port.where} ${problem}`);
    }
    const type = handlers.types.find(metadata.factoryId, metadata.typeId);
    if (type === undefined) {
      const detail = `no factory of the application has type ${metadata.typeId} of factory ${metadata.factoryId}`;
      return this.unhandled('unknown-type', detail);
    }
    work.message ??= type.wrap(bytes, start, end);
    this.describe(work);
    // Now, so that bytes which are no message reach neither filter nor handler; the first getter would make this pass anyway.
    work.message.$validate();
    if (!this.passesFilters(work)) return 'filtered';
    this.chain = handlers.chainFor(type, port.slot, port.source);
    return this.chain.handled ? 'dispatch' : this.unhandledBy(`channel ${port.where}`, type.fullName);
  }

  private passesFilters(work: Work): boolean {
    const { filters, event, counters } = this.parts;
    let index = 0;
    while (index < filters.length && filters[index]!(event)) index++;
    if (index === filters.length) return true;
    counters.filtered++;
    work.port!.statistics.filtered++;
    return false;
  }

  private describe(work: Work): void {
    const { event } = this.parts;
    const { delivery, local } = work;
    const port = work.port ?? (this.parts.isEventSourced ? undefined : local?.port);
    event.message = work.message!;
    event.origin = local?.origin ?? 'bus';
    event.bus = port?.bus.name ?? '';
    event.channel = port?.description.name ?? '';
    event.key = delivery?.key ?? '';
    event.metadata = delivery?.metadata;
    event.attempt = work.attempt;
  }

  private unhandledBy(place: string, type: string): Admission {
    return this.unhandled('no-handler', `no handler takes ${type} from ${place}`);
  }

  private unhandled(reason: UnhandledReason, detail: string): Admission {
    this.reason = reason;
    this.detail = detail;
    return 'unhandled';
  }
}

export const NO_CHAIN: HandlerChain = { links: [], handled: true, statistics: undefined };

/** The chain of a local request that brings its own call; its result goes to whoever asked. */
function commandChain(work: Work): HandlerChain {
  const local = work.local!;
  const link: ChainLink = {
    name: local.label,
    mode: 'async',
    call: (_message, state) => (work.result = local.call!(state)),
  };
  return { handled: true, links: [link], statistics: undefined };
}
