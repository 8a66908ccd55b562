import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { exitOnSignals } from './exit-on-signals.js';
import { KillRound } from './kill-round.js';
import { type MemberName, PairProcesses } from './pair-processes.js';

/**
 * `npm run demo:pair -- [--kills N] [--lines N] [--seed S]`: the order example with its order processor as a pair, under load.
 * The primary is killed again and again; the end is compared with the fold of the input.
 */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '3' },
    lines: { type: 'string', default: '60000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});

const base = mkdtempSync(join(tmpdir(), 'aep-pair-'));
const round = new KillRound({
  seed: Number(values.seed),
  folder: base,
  killsMax: Number(values.kills),
  lineCount: Number(values.lines),
});
const { log, input } = round;
const data = join(base, 'data');
/** Few orders at a time, so that the demo lasts long enough to be looked at. */
const environment = { X_APPS_GATEWAY_LIMITS_TRANSACTIONSINFLIGHTMAX: '32' };
const pair = await PairProcesses.create({ log, data, input, environment });
exitOnSignals();
let code = 0;
try {
  await demo();
  rmSync(base, { recursive: true, force: true });
} catch (thrown) {
  code = 1;
  say(thrown instanceof Error ? thrown.message : String(thrown));
  say(round.replay);
} finally {
  await pair.killAll();
}
// Not left to the event loop's end, where Node 20 can hang (see scripts/start.mjs).
process.stdout.write('', () => process.exit(code));

async function demo(): Promise<void> {
  say(`${count(Number(values.lines))} invoice lines; gateway, processor-a, processor-b and ledger are a process each`);
  await pair.startAll();
  const first = pair.primary!;
  say(`${first} is the primary, ${pair.other(first)} follows (epoch ${pair.view(first)!.epoch})`);
  for (let kill = 0; kill < round.options.killsMax && !pair.isDone; kill++) {
    say(`  ${await rate()} orders/s acknowledged by the pair`);
    if (!pair.isDone) await failOver();
  }
  const result = await pair.finish();
  await round.checkResult(result);
  const { lines, orders, customers } = result as Record<string, number>;
  say(`done: ${count(lines!)} lines in ${count(orders!)} orders of ${count(customers!)} customers`);
  say('the totals of processor and ledger are those of an independent fold of the input: 0 lost, 0 doubled');
  await pair.stopAll();
}

async function failOver(): Promise<void> {
  const victim = pair.primary!;
  const heir = pair.other(victim);
  const acknowledged = await pair.arm();
  const before = await pair.look('gateway');
  const killedAt = performance.timeOrigin + performance.now();
  say(`kill -9 ${victim}, the primary, after ${count(before['confirmed']!)} orders`);
  await pair.process(victim).kill('SIGKILL');
  await pair.until(`${heir} takes over`, () => pair.view(heir)?.role === 'primary');
  const tookOverMs = performance.timeOrigin + performance.now() - killedAt;
  const ackedAt = await acknowledged();
  const epoch = pair.view(heir)!.epoch;
  say(`  ${heir} took over after ${Math.round(tookOverMs)} ms (epoch ${epoch})`);
  if (ackedAt !== undefined) say(`  the next order was acknowledged after ${Math.round(ackedAt - killedAt)} ms`);
  say(`  ${await rate()} orders/s while it is alone`);
  await comeBack(victim, heir);
}

/** Starts the one that was killed, and shows how it catches up. */
async function comeBack(name: MemberName, primary: MemberName): Promise<void> {
  const startedMs = performance.now();
  pair.start(name);
  let lackedMax = 0;
  await pair.until(`${name} is listed again`, async () => {
    lackedMax = Math.max(lackedMax, (await pair.look(primary))['lag']!);
    return pair.view(primary)?.members.length === 2;
  });
  await pair.line(name, /^started$/);
  await pair.paired();
  const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
  const { lastTxId } = await pair.look(primary);
  say(`  ${name} was started again, lacked up to ${count(lackedMax)} of ${count(lastTxId!)} records,`);
  say(
    `  and is a member again after ${seconds} s, the start of the process included (epoch ${pair.view(primary)!.epoch})`,
  );
}

async function rate(): Promise<string> {
  const before = (await pair.look('gateway'))['confirmed']!;
  const startedMs = performance.now();
  await delay(1_000);
  const after = (await pair.look('gateway'))['confirmed']!;
  return count(Math.round(((after - before) * 1_000) / (performance.now() - startedMs)));
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
