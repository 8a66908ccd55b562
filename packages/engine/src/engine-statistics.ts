import type { EngineLifecycle } from './engine-lifecycle.js';
import { type EngineStatistics, summarise } from './statistics.js';

/** Puts a reading together; for status pages and metrics, not for the path of a message. */
export function readStatistics(engine: string, lifecycle: EngineLifecycle): EngineStatistics {
  const { core } = lifecycle;
  const base = { engine, state: lifecycle.state, messaging: lifecycle.messagingState, role: lifecycle.role };
  if (core === undefined) return { ...base, ...NOTHING };
  const { journal, tables } = core.store;
  const { types, ...counters } = core.counters;
  const ports = core.messaging.ports;
  return {
    ...base,
    durability: journal.durability,
    lastTxId: journal.lastTxId,
    stableTxId: journal.stableTxId,
    appliedTxId: tables.appliedTxId,
    confirmedTxId: journal.confirmedTxId,
    inboundQueued: core.inbound.size,
    inFlight: core.inFlight.size,
    inDoubt: core.inFlight.inDoubt,
    timers: core.timers.count,
    counters: { ...counters },
    types: Object.fromEntries([...types].map(([name, type]) => [name, Object.assign({}, type)])),
    buses: Object.fromEntries(
      [...core.messaging.buses].map(([name, bus]) => [
        name,
        { state: bus.state, pending: bus.pending, downs: bus.statistics.downs },
      ]),
    ),
    channels: Object.fromEntries(ports.map((port) => [port.where, Object.assign({}, port.statistics)])),
    latencies:
      core.latencies === undefined
        ? {}
        : Object.fromEntries(Object.entries(core.latencies).map(([name, histogram]) => [name, summarise(histogram)])),
    store: { ...core.store.statistics(), ...core.checkpointer.checkpointFacts() },
  };
}

const NOTHING = {
  durability: 'none',
  lastTxId: 0,
  stableTxId: 0,
  appliedTxId: 0,
  confirmedTxId: 0,
  inboundQueued: 0,
  inFlight: 0,
  inDoubt: 0,
  timers: 0,
  counters: {},
  types: {},
  buses: {},
  channels: {},
  latencies: {},
  store: {},
} as const;
