import type { EngineStatistics, LatencySummary } from '@aep/engine';
import type { AppStatus, XvmStatus } from '../xvm-status.js';

type Labels = Readonly<Record<string, string>>;
type Kind = 'counter' | 'gauge' | 'summary';

/** The text format of Prometheus (version 0.0.4): one family after the other, each sample once. */
export class Exposition {
  private readonly families = new Map<
    string,
    { readonly kind: Kind; readonly help: string; readonly lines: string[] }
  >();

  counter(name: string, help: string, labels: Labels, value: number): void {
    this.add({ name: `${name}_total`, kind: 'counter', help }, `${name}_total`, labels, value);
  }

  gauge(name: string, help: string, labels: Labels, value: number): void {
    this.add({ name, kind: 'gauge', help }, name, labels, value);
  }

  /** In seconds, as Prometheus has it. The sum is the mean times the count: the engine keeps no exact one. */
  latency(name: string, help: string, labels: Labels, { count, meanUs, p50Us, p99Us, maxUs }: LatencySummary): void {
    const family = { name, kind: 'summary', help } as const;
    const quantiles = [
      [0.5, p50Us],
      [0.99, p99Us],
      [1, maxUs],
    ] as const;
    for (const [quantile, us] of quantiles) this.add(family, name, { ...labels, quantile: String(quantile) }, us / 1e6);
    this.add(family, `${name}_sum`, labels, (meanUs * count) / 1e6);
    this.add(family, `${name}_count`, labels, count);
  }

  toString(): string {
    const parts = [...this.families].map(
      ([name, { kind, help, lines }]) => `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join('')}`,
    );
    return parts.join('');
  }

  private add(family: { name: string; kind: Kind; help: string }, sample: string, labels: Labels, value: number): void {
    let found = this.families.get(family.name);
    if (found === undefined)
      this.families.set(family.name, (found = { kind: family.kind, help: family.help, lines: [] }));
    const shown = Object.entries(labels).map(([name, text]) => `${name}="${escapeLabel(text)}"`);
    found.lines.push(`${sample}{${shown.join(',')}} ${value}\n`);
  }
}

/** Everything that can be counted about a process (E100). */
export function metricsText(status: XvmStatus, memory: { readonly rss: number; readonly heapUsed: number }): string {
  const exposition = new Exposition();
  const xvm = { xvm: status.xvm };
  exposition.gauge('aep_up', '1 while every app of the process is started', xvm, status.state === 'started' ? 1 : 0);
  exposition.gauge('aep_uptime_seconds', 'Time since the process was put together', xvm, status.uptimeMs / 1000);
  exposition.gauge('aep_resident_memory_bytes', 'Resident set of the process', xvm, memory.rss);
  exposition.gauge('aep_heap_used_bytes', 'Used heap of the process', xvm, memory.heapUsed);
  for (const { name, statistics, group } of status.apps) {
    addEngine(exposition, { engine: name }, statistics);
    if (group !== undefined) addMember(exposition, { engine: name, member: group.name }, group);
  }
  return exposition.toString();
}

function addEngine(exposition: Exposition, labels: Labels, statistics: EngineStatistics): void {
  const { counters, types, buses, channels, latencies } = statistics;
  exposition.gauge(
    'aep_engine_started',
    '1 while the engine is started',
    labels,
    statistics.state === 'started' ? 1 : 0,
  );
  exposition.gauge(
    'aep_engine_messaging_started',
    '1 while its buses are open',
    labels,
    statistics.messaging === 'started' ? 1 : 0,
  );
  exposition.gauge(
    'aep_engine_primary',
    '1 while the engine is primary',
    labels,
    statistics.role === 'primary' ? 1 : 0,
  );
  exposition.gauge(
    'aep_engine_durability',
    'The durability in force, as a label',
    { ...labels, durability: statistics.durability },
    1,
  );
  for (const [name, help] of GAUGES) exposition.gauge(`aep_engine_${snakeCase(name)}`, help, labels, statistics[name]);
  for (const [name, value] of Object.entries(counters))
    exposition.counter(`aep_engine_${snakeCase(name)}`, `Counter "${name}" of the engine`, labels, value);
  for (const [type, counts] of Object.entries(types)) addCounts(exposition, 'type', { ...labels, type }, counts);
  for (const [channel, counts] of Object.entries(channels))
    addCounts(exposition, 'channel', { ...labels, channel }, counts);
  for (const [bus, { state, pending, downs }] of Object.entries(buses)) {
    exposition.gauge('aep_bus_up', '1 while the bus is connected', { ...labels, bus }, state === 'up' ? 1 : 0);
    exposition.gauge('aep_bus_pending', 'Messages released and not yet confirmed', { ...labels, bus }, pending);
    exposition.counter('aep_bus_downs', 'How often the bus went down', { ...labels, bus }, downs);
  }
  for (const [name, summary] of Object.entries(latencies)) {
    exposition.latency(
      `aep_latency_${snakeCase(name)}_seconds`,
      `Latency "${name}"; quantile 1 is the largest`,
      labels,
      summary,
    );
  }
  for (const [name, value] of Object.entries(statistics.store)) {
    if (typeof value === 'number' && Number.isFinite(value))
      exposition.gauge(`aep_store_${snakeCase(name)}`, `Reading "${name}" of the store`, labels, value);
  }
}

/** H21: each event is in the metrics too. */
function addMember(exposition: Exposition, labels: Labels, group: NonNullable<AppStatus['group']>): void {
  const { role, epoch, register, lastTxId, stableTxId, followers, isLinked, events } = group;
  exposition.gauge('aep_member_role', 'The role of the member, as a label', { ...labels, role }, 1);
  exposition.gauge('aep_member_epoch', 'Epoch of the group as the member knows it', labels, epoch);
  exposition.gauge('aep_member_listed', 'Members that acknowledge', labels, register?.members.length ?? 0);
  exposition.gauge('aep_member_linked', '1 while a backup gets records', labels, isLinked ? 1 : 0);
  exposition.gauge('aep_member_last_tx_id', 'Number of the last transaction here', labels, lastTxId);
  exposition.gauge('aep_member_stable_tx_id', 'Number of the last transaction stable in the group', labels, stableTxId);
  for (const { name, lag } of followers)
    exposition.gauge('aep_member_follower_lag', 'Records that a follower lacks', { ...labels, follower: name }, lag);
  for (const [event, count] of Object.entries(events))
    exposition.counter('aep_member_events', 'Events of the group as this member saw them', { ...labels, event }, count);
}

const GAUGES = [
  ['lastTxId', 'Number of the last transaction'],
  ['stableTxId', 'Number of the last stable transaction'],
  ['appliedTxId', 'Number of the last transaction in the state tables'],
  ['confirmedTxId', 'Number of the last confirmed transaction'],
  ['inboundQueued', 'Events accepted and not yet handled'],
  ['inFlight', 'Transactions sealed and not yet acknowledged'],
  ['inDoubt', 'Outbound messages not known to be confirmed'],
  ['timers', 'Timers waiting'],
] as const satisfies readonly (readonly [keyof EngineStatistics, string])[];

function addCounts(exposition: Exposition, of: 'type' | 'channel', labels: Labels, counts: object): void {
  for (const [name, value] of Object.entries(counts)) {
    if (typeof value === 'number')
      exposition.counter(`aep_${of}_${snakeCase(name)}`, `Counter "${name}" by ${of}`, labels, value);
  }
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function escapeLabel(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
