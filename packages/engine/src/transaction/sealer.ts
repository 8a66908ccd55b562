import { AepError, assert } from '@aep/kernel';
import {
  type InboundCause,
  type Journal,
  type MessageHead,
  type OutboundNumbers,
  RecordFlag,
  RecordKind,
  RecordWriter,
  Table,
} from '@aep/store';
import type { StateSpace } from '@aep/state';
import { DIGEST_KEY } from '../replay/state-digest.js';
import type { Draft, OpenTransaction } from './open-transaction.js';
import type { Sequencer } from './sequencer.js';
import type { Work } from './work.js';

/** Where the messages of a record lie in it and which numbers they were given; index as in the transaction's drafts. */
export interface SealedDraft {
  offset: number;
  end: number;
  sno: number;
  channelSno: number;
}

export interface SealerParts {
  readonly journal: Journal;
  readonly state: StateSpace | undefined;
  readonly sequencer: Sequencer;
  readonly messageBytesMax: number;
  readonly isEventSourced: boolean;
  /** Of the state as it is after the transaction, when replays of it are to be compared (H11). */
  readonly stateDigest: (() => Uint8Array) | undefined;
}

/**
 * Writes the open transaction into one record (E30): cause, outbound messages with their numbers, system changes, state
 * changes. What can fail for its size is written first; when it fails, nothing was used up and the transaction can still
 * be rolled back.
 */
export class Sealer {
  readonly writer = new RecordWriter();
  readonly sealedDrafts: SealedDraft[] = [];
  private readonly cause: Mutable<InboundCause> = {
    channelTag: NO_BYTES,
    senderId: 0,
    incarnation: 0,
    flow: 0,
    sno: 0,
    channelSno: 0,
  };
  private readonly head: Mutable<MessageHead> = { factoryId: 0, typeId: 0, sentAtMs: 0, key: '', traceparent: '' };
  private readonly numbers: Mutable<OutboundNumbers> = { flow: 0, sno: 0, channelSno: 0 };

  constructor(private readonly parts: SealerParts) {}

  /**
   * The finished record is in the writer until the next call, where the journal wants it if there was room. The state's
   * part of the transaction is closed by it.
   *
   * @throws AEP_RECORD_TOO_LARGE, AEP_MESSAGE_TOO_LARGE (reject)
   */
  seal(transaction: OpenTransaction, work: Work, epoch: number, quarantined: boolean): void {
    const { writer } = this;
    const { room, lastTxId } = this.parts.journal;
    const txId = lastTxId + 1;
    writer.placeAt(room.bytes, room.start);
    writer.begin(RecordKind.transaction, epoch, txId, transaction.timeMs);
    const flags =
      (this.parts.isEventSourced ? RecordFlag.eventSourced : 0) | (quarantined ? RecordFlag.quarantined : 0);
    if (flags !== 0) writer.setFlags(flags);
    this.writeCause(work);
    if (this.parts.isEventSourced) {
      writer.setSeed(transaction.seed);
      if (!quarantined) this.writeMessage(work);
    }
    let numbered = 0;
    try {
      while (numbered < transaction.draftCount) {
        const draft = transaction.drafts[numbered]!;
        this.number(draft, numbered);
        this.writeOutbound(draft, numbered++, transaction.timeMs);
      }
      for (const change of transaction.changes) {
        if (change.value === undefined) writer.delete(change.tableId, change.key, change.key.length);
        else writer.putBytes(change.tableId, change.key, change.value);
      }
      if (this.parts.stateDigest !== undefined)
        writer.putBytes(Table.stateDigest, DIGEST_KEY, this.parts.stateDigest());
      this.parts.state?.seal(txId, writer);
    } catch (error) {
      for (let index = numbered - 1; index >= 0; index--) {
        const draft = transaction.drafts[index]!;
        this.parts.sequencer.takeBack(draft.flow, draft.port);
      }
      throw error;
    }
    writer.seal(this.parts.journal.lastHash);
  }

  private writeCause(work: Work): void {
    const { port, delivery, local } = work;
    if (port === undefined || delivery === undefined) {
      assert(local !== undefined, 'an event is a delivery or a local request');
      this.writer.localCause(local.cause, local.label);
      return;
    }
    const { cause } = this;
    const { metadata } = delivery;
    cause.channelTag = port.tag;
    cause.senderId = metadata.senderId;
    cause.incarnation = metadata.incarnation;
    cause.flow = metadata.flow;
    cause.sno = metadata.sno;
    cause.channelSno = metadata.channelSno;
    this.writer.inboundCause(cause);
  }

  /** What replay will hand to the handlers (E60). */
  private writeMessage(work: Work): void {
    const { message, delivery, local } = work;
    const { head } = this;
    if (message === undefined) {
      if (local?.payload !== undefined) this.writer.message(NO_HEAD, local.payload);
      return;
    }
    const type = message.$type;
    head.factoryId = type.factoryId;
    head.typeId = type.typeId;
    head.sentAtMs = delivery?.metadata.sentAtMs ?? 0;
    head.key = delivery?.key ?? '';
    head.traceparent = delivery?.metadata.traceparent ?? '';
    this.writer.message(
      head,
      delivery === undefined ? message.toBytes() : delivery.bytes.subarray(delivery.start, delivery.end),
    );
  }

  private number(draft: Draft, index: number): void {
    const { sequencer } = this.parts;
    const sealed = (this.sealedDrafts[index] ??= { offset: 0, end: 0, sno: 0, channelSno: 0 });
    sealed.sno = sequencer.nextSno(draft.flow);
    sealed.channelSno = sequencer.nextChannelSno(draft.port, draft.flow);
  }

  private writeOutbound(draft: Draft, index: number, timeMs: number): void {
    const { port, message } = draft;
    const { head, numbers, writer } = this;
    const sealed = this.sealedDrafts[index]!;
    const type = message.$type;
    head.factoryId = type.factoryId;
    head.typeId = type.typeId;
    head.sentAtMs = timeMs;
    head.key = draft.key;
    head.traceparent = draft.traceparent;
    numbers.flow = draft.flow;
    numbers.sno = sealed.sno;
    numbers.channelSno = sealed.channelSno;
    sealed.offset = writer.outbound(port.tag, numbers, head, message);
    sealed.end = writer.length;
    if (sealed.end - sealed.offset > this.parts.messageBytesMax)
      throw messageTooLarge(draft, sealed.end - sealed.offset, this.parts.messageBytesMax);
  }
}

function messageTooLarge(draft: Draft, bytes: number, bytesMax: number): AepError {
  const { port, message } = draft;
  return new AepError(
    'AEP_MESSAGE_TOO_LARGE',
    'reject',
    `a ${message.$type.fullName} for channel ${port.where} has ${bytes} bytes; the limit is ${bytesMax} (limits.messageBytesMax)`,
    { channel: port.where, bytes, bytesMax },
  );
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NO_BYTES = new Uint8Array(0);
/** Of a payload that is no message: the arguments of a command. */
const NO_HEAD: MessageHead = { factoryId: 0, typeId: 0, sentAtMs: 0, key: '', traceparent: '' };
