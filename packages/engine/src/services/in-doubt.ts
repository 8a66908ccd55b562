import { AepError } from '@aep/kernel';
import { RecordReader, Section } from '@aep/store';
import type { EngineCore } from '../engine-core.js';
import type { SealedTransaction } from '../transaction/sealed-transaction.js';

/**
 * Puts the outbound messages whose confirmation is not known back in flight (E37): those of stable transactions after the
 * journal's `confirmedTxId`, in order, with their old numbers, marked as possible duplicates. The journal is the outbox:
 * nothing else keeps unconfirmed messages.
 *
 * @throws AEP_IN_DOUBT_CHANNEL_GONE when a message belongs to a channel that the deployment no longer has
 */
export function loadInDoubt(core: EngineCore): void {
  const { journal } = core.store;
  if (journal.confirmedTxId >= journal.stableTxId) return;
  const reader = new RecordReader();
  for (const record of journal.read(Math.max(journal.confirmedTxId + 1, journal.firstTxId))) {
    reader.open(record.bytes);
    let transaction: SealedTransaction | undefined;
    while (reader.next()) {
      if (reader.tag !== Section.outbound || reader.qos === 0) continue;
      transaction ??= core.transactions.take();
      addOutbound(core, transaction, reader);
    }
    if (transaction === undefined) continue;
    transaction.txId = record.txId;
    transaction.hasRecord = true;
    core.inFlight.pushInDoubt(transaction);
  }
}

function addOutbound(core: EngineCore, transaction: SealedTransaction, reader: RecordReader): void {
  const port = core.messaging.buses.get(reader.busName())?.channels.get(reader.channelName());
  if (port === undefined) {
    const where = `${reader.channelName()}@${reader.busName()}`;
    throw new AepError(
      'AEP_IN_DOUBT_CHANNEL_GONE',
      'fatal',
      `transaction ${reader.txId} sent a message on channel ${where} that was never confirmed, and the deployment has no such channel any more: ` +
        'start once with the channel, so that it can be delivered',
      { txId: reader.txId, channel: where },
    );
  }
  const outbound = core.outbound.take();
  outbound.port = port;
  port.bus.reserve();
  outbound.key = reader.key;
  outbound.bytes = reader.bytes;
  outbound.start = reader.contentStart;
  outbound.end = reader.contentEnd;
  outbound.transaction = transaction;
  const { metadata } = outbound;
  metadata.factoryId = reader.factoryId;
  metadata.typeId = reader.typeId;
  metadata.senderId = core.identity.senderId;
  metadata.incarnation = core.identity.incarnation;
  metadata.flow = reader.flow;
  metadata.sno = reader.sno;
  metadata.channelSno = reader.channelSno;
  metadata.possibleDuplicate = true;
  metadata.sentAtMs = reader.sentAtMs;
  metadata.traceparent = reader.traceparent === '' ? undefined : reader.traceparent;
  transaction.addOutbound(outbound);
}
