import { MessageEvent } from './app/message-event.js';
import type { EngineCore } from './engine-core.js';
import { digestOf } from './replay/state-digest.js';
import { PipelineReports } from './services/pipeline-reports.js';
import { HandOver } from './transaction/hand-over.js';
import { InFlight } from './transaction/in-flight.js';
import { Intake } from './transaction/intake.js';
import { Pipeline } from './transaction/pipeline.js';
import { Sealer } from './transaction/sealer.js';
import type { Sequencer } from './transaction/sequencer.js';

/** The path of an event from receive to seal. */
export function makePipeline(core: EngineCore, sequencer: Sequencer): Pipeline {
  const { options, transaction, inFlight, checkpointer, counters, latencies, works, handlers, time } = core;
  const { journal } = core.store;
  const reports = new PipelineReports(options.name, options.log, counters, (event) => core.alert(event));
  const event = new MessageEvent();
  const { filters, stateCodec } = options.app;
  const isEventSourced = options.haPolicy === 'EventSourcing';
  const sealer = new Sealer({
    journal,
    state: core.state,
    sequencer,
    messageBytesMax: options.limits.messageBytesMax,
    isEventSourced,
    stateDigest:
      options.verifyReplay && stateCodec !== undefined ? () => digestOf(stateCodec, core.pipeline.state) : undefined,
  });
  const handOver = new HandOver({
    journal,
    checkpointer,
    transaction,
    sealer,
    inFlight,
    counters,
    time,
    transactions: core.transactions,
    outbound: core.outbound,
    identity: core.identity,
  });
  return new Pipeline({
    options,
    inbound: core.inbound,
    intake: new Intake({ event, handlers, filters, counters, latencies, time, isEventSourced, reports }),
    event,
    transaction,
    sealer,
    journal,
    handOver,
    inFlight,
    deadLetters: core.deadLetters,
    scope: core.scope,
    counters,
    latencies,
    works,
    isHeldBack: () => core.messaging.areFull || checkpointer.isBehind,
    reports,
    listener: core,
  });
}

/** The path of a transaction from seal to acknowledgement. */
export function makeInFlight(core: EngineCore): InFlight {
  const { options, store } = core;
  return new InFlight({
    capacityMax: options.limits.transactionsInFlightMax,
    acknowledgeAtStoreStability: options.policies.inboundAck === 'OnStoreStability',
    listener: {
      onConfirmedUpTo: (txId) => store.journal.setConfirmed(txId),
      onCallbackFailed: (error) => options.log.log('error', 'a callback after stability failed', {}, error),
    },
    transactions: core.transactions,
    outbound: core.outbound,
    works: core.works,
    time: core.time,
    latencies: core.latencies,
  });
}
