import type { ObjectPool } from '@aep/kernel';
import type { MessageType } from '@aep/messages';
import { disposeOwned } from '@aep/messages/internal';
import type { Checkpointer, Journal } from '@aep/store';
import type { OutboundMessage } from '../messaging/outbound-message.js';
import { type EngineCounters, TypeStatistics } from '../statistics.js';
import type { InFlight } from './in-flight.js';
import type { LoopTime } from './loop-time.js';
import type { OpenTransaction } from './open-transaction.js';
import type { SealedTransaction } from './sealed-transaction.js';
import type { Sealer } from './sealer.js';
import type { Work } from './work.js';

export interface HandOverParts {
  readonly journal: Journal;
  readonly checkpointer: Checkpointer;
  readonly transaction: OpenTransaction;
  readonly sealer: Sealer;
  readonly inFlight: InFlight;
  readonly counters: EngineCounters;
  readonly time: LoopTime;
  readonly transactions: ObjectPool<SealedTransaction>;
  readonly outbound: ObjectPool<OutboundMessage>;
  readonly identity: { readonly senderId: number; readonly incarnation: number };
}

/**
 * Takes a transaction from the pipeline's hands into flight. The record lies in the journal's open batch, so outbound
 * messages point into it, and the open transaction's objects are free for the next event.
 */
export class HandOver {
  private lastType: MessageType | undefined;
  private lastStatistics = new TypeStatistics();

  constructor(private readonly parts: HandOverParts) {}

  /** The record of the open transaction was appended. */
  sealed(work: Work): void {
    const { transaction, transactions, journal, sealer, inFlight, counters, time, checkpointer } = this.parts;
    const sealed = transactions.take();
    const { bytes, start } = journal.appended;
    sealed.txId = journal.lastTxId;
    sealed.work = work;
    sealed.hasRecord = true;
    if (work.isTimed) {
      sealed.isTimed = true;
      sealed.sealedAtMs = time.nowMs;
    }
    sealed.ackToken = transaction.ackToken;
    transaction.ackToken?.watch();
    checkpointer.append(sealed.txId, bytes, start, sealer.writer.length);
    for (let index = 0; index < transaction.draftCount; index++) sealed.addOutbound(this.outbound(sealed, index));
    for (const callback of transaction.callbacks) sealed.afterStable.push(callback);
    for (const change of transaction.changes) change.onSealed?.();
    transaction.close();
    counters.transactions++;
    counters.sent += sealed.outboundCount;
    disposeMessage(work);
    inFlight.push(sealed);
  }

  /** An event without a record: a duplicate, a filtered one, a repeat. */
  acknowledgeOnly(work: Work): void {
    const { transactions, journal, inFlight } = this.parts;
    disposeMessage(work);
    const sealed = transactions.take();
    sealed.txId = journal.lastTxId;
    sealed.work = work;
    inFlight.pushAcknowledgeOnly(sealed);
  }

  private outbound(sealed: SealedTransaction, index: number): OutboundMessage {
    const { transaction, sealer, outbound, identity, journal } = this.parts;
    const draft = transaction.drafts[index]!;
    const place = sealer.sealedDrafts[index]!;
    const { bytes, start } = journal.appended;
    const message = outbound.take();
    message.port = draft.port;
    draft.port.bus.reserve();
    message.key = draft.key;
    message.bytes = bytes;
    message.start = start + place.offset;
    message.end = start + place.end;
    message.transaction = sealed;
    message.isTimed = sealed.isTimed;
    const { metadata } = message;
    const type = draft.message.$type;
    this.statisticsOf(type).sent++;
    metadata.factoryId = type.factoryId;
    metadata.typeId = type.typeId;
    metadata.senderId = identity.senderId;
    metadata.incarnation = identity.incarnation;
    metadata.flow = draft.flow;
    metadata.sno = place.sno;
    metadata.channelSno = place.channelSno;
    metadata.possibleDuplicate = false;
    metadata.sentAtMs = transaction.timeMs;
    metadata.traceparent = draft.traceparent === '' ? undefined : draft.traceparent;
    return message;
  }

  /** Sends come in runs of one type: one comparison instead of a look-up by name. */
  private statisticsOf(type: MessageType): TypeStatistics {
    if (type !== this.lastType) {
      this.lastType = type;
      this.lastStatistics = this.parts.counters.ofType(type.fullName);
    }
    return this.lastStatistics;
  }
}

/** Inbound views end with their handlers (E72). */
export function disposeMessage(work: Work): void {
  if (work.message === undefined) return;
  disposeOwned(work.message);
  work.message = undefined;
}
