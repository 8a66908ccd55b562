import type { AdminClient } from '../admin/admin-client.js';
import { adminClient } from '../admin/admin-target.js';
import type { AppStatusJson, XvmStatusJson } from '../admin/admin-types.js';
import { ExitCode } from '../exit-code.js';
import type { AdminOptions } from '../options/admin-options.js';
import { formatCount } from '../output/progress.js';
import type { Column } from '../output/table.js';
import type { Session } from '../session.js';

interface StatsOptions extends AdminOptions {
  readonly watch?: boolean;
  readonly interval: number;
  readonly count?: number;
}

/** A status and when it was taken. */
interface Reading {
  readonly status: XvmStatusJson;
  readonly atMs: number;
}

export async function showStats(session: Session, _args: readonly string[], options: StatsOptions): Promise<ExitCode> {
  const { io } = session;
  const client = adminClient(io, options);
  const looks = options.watch === true ? (options.count ?? Infinity) : 1;
  let before = await take(session, client);
  for (let look = 0; look < looks; look++) {
    if (!(await wait(session, options.interval))) break;
    const now = await take(session, client);
    await show(session, before, now, look);
    before = now;
  }
  return ExitCode.ok;
}

async function take({ io }: Session, client: AdminClient): Promise<Reading> {
  const status = await client.status();
  return { status, atMs: io.clock.monotonicMs() };
}

/** False when the user does not want to wait any longer. */
function wait({ io: { clock, interrupted } }: Session, delayMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    if (interrupted.aborted) return resolve(false);
    const end = (goOn: boolean): void => {
      clock.cancel(timer);
      interrupted.removeEventListener('abort', onAbort);
      resolve(goOn);
    };
    const onAbort = (): void => end(false);
    const timer = clock.schedule(delayMs, () => end(true));
    interrupted.addEventListener('abort', onAbort);
    return undefined;
  });
}

const COLUMNS: readonly Column[] = [
  { title: 'APP' },
  { title: 'STATE' },
  { title: 'TX', align: 'right' },
  { title: 'TX/S', align: 'right' },
  { title: 'IN/S', align: 'right' },
  { title: 'OUT/S', align: 'right' },
  { title: 'QUEUED', align: 'right' },
  { title: 'IN FLIGHT', align: 'right' },
  { title: 'IN DOUBT', align: 'right' },
  { title: 'FAILED', align: 'right' },
  { title: 'DEAD', align: 'right' },
  { title: 'P50 MS', align: 'right' },
  { title: 'P99 MS', align: 'right' },
];

// oxlint-disable-next-line max-params -- two readings, and which look it is
async function show({ output, io }: Session, before: Reading, now: Reading, look: number): Promise<void> {
  const seconds = Math.max(0.001, (now.atMs - before.atMs) / 1_000);
  if (output.json) {
    const apps = now.status.apps.map((app) => ({ ...app, rates: ratesOf(appBefore(before, app), app, seconds) }));
    await output.jsonLine({ ...now.status, apps });
    return;
  }
  // At a terminal each look stands where the one before it stood.
  if (look > 0 && io.stdout.isTty) output.text(`\u001b[${now.status.apps.length + 2}A\u001b[J`);
  output.line(`xvm ${now.status.xvm}  ${now.status.state}  up ${upText(now.status.uptimeMs ?? 0)}`);
  output.table(
    COLUMNS,
    now.status.apps.map((app) => row(app, ratesOf(appBefore(before, app), app, seconds))),
  );
}

function appBefore({ status }: Reading, { name }: AppStatusJson): AppStatusJson | undefined {
  return status.apps.find((app) => app.name === name);
}

interface Rates {
  readonly transactions: number;
  readonly received: number;
  readonly sent: number;
}

/** Per second. An app that was restarted in between counts anew. */
function ratesOf(before: AppStatusJson | undefined, now: AppStatusJson, seconds: number): Rates {
  const rate = (read: (app: AppStatusJson) => number): number =>
    Math.max(0, read(now) - (before === undefined ? read(now) : read(before))) / seconds;
  return {
    transactions: rate(({ statistics }) => statistics.stableTxId),
    received: rate(({ statistics }) => statistics.counters['received'] ?? 0),
    sent: rate(({ statistics }) => statistics.counters['sent'] ?? 0),
  };
}

function row({ name, state, statistics }: AppStatusJson, rates: Rates): string[] {
  const { counters, latencies, stableTxId, inboundQueued, inFlight, inDoubt } = statistics;
  const latency = latencies?.['receiveToAck'];
  return [
    name,
    state,
    formatCount(stableTxId),
    rateText(rates.transactions),
    rateText(rates.received),
    rateText(rates.sent),
    formatCount(inboundQueued),
    formatCount(inFlight),
    formatCount(inDoubt),
    formatCount(counters['failed'] ?? 0),
    formatCount(counters['quarantined'] ?? 0),
    latency === undefined ? '-' : (latency.p50Us / 1_000).toFixed(2),
    latency === undefined ? '-' : (latency.p99Us / 1_000).toFixed(2),
  ];
}

function rateText(rate: number): string {
  return rate >= 100 || Number.isInteger(rate) ? formatCount(Math.round(rate)) : rate.toFixed(1);
}

function upText(uptimeMs: number): string {
  const seconds = Math.floor(uptimeMs / 1_000);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first < 0 ? 3 : first)
    .slice(0, 2)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ');
}
