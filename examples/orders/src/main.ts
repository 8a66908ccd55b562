import process from 'node:process';
import { AepError, describeError } from '@aep/kernel';
import { type CommandLine, parseCommandLine, USAGE } from './command-line.js';
import { showProgress } from './progress.js';
import { type OrdersRun, SAMPLE, startOrders } from './run.js';
import { formatCount, toJson, toTable } from './summary.js';

/** Rejected lines that are listed; the summary counts all. */
const LISTED_MAX = 100;

/**
 * Runs the order example: results on the standard output, everything else on the standard error.
 *
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage or input, 130 interrupted
 */
export async function main(args: readonly string[]): Promise<number> {
  try {
    const commandLine = parseCommandLine(args);
    if (commandLine.help) {
      console.log(USAGE);
      return 0;
    }
    return await run(commandLine);
  } catch (error) {
    console.error(describeError(error));
    if (!(error instanceof AepError)) return 1;
    if (error.code === 'AEP_ORDERS_INTERRUPTED') return 130;
    return error.code.startsWith('AEP_ORDERS_') ? 2 : 1;
  }
}

async function run({ input = SAMPLE, data, json }: CommandLine): Promise<number> {
  const orders = await startOrders(input, data);
  const releaseSignals = stopOnSignals(orders);
  const endProgress = showProgress(orders.reading);
  // Engines' timers do not keep a process alive; this run is what must not be lost.
  const alive = setInterval(() => undefined, 60_000);
  try {
    await orders.finish().finally(endProgress);
    report(orders, json);
    return orders.deadLetters() === 0 ? 0 : 1;
  } finally {
    await orders.stop();
    clearInterval(alive);
    releaseSignals();
  }
}

function report(orders: OrdersRun, json: boolean): void {
  const summary = orders.summary();
  const rejected = orders.rejectedLines();
  for (const { line, reason } of rejected.slice(0, LISTED_MAX)) console.error(`line ${line} rejected: ${reason}`);
  const unlisted = summary.rejected - Math.min(rejected.length, LISTED_MAX);
  if (unlisted > 0) console.error(`… and ${formatCount(unlisted)} more lines rejected`);
  const { duplicates } = orders.reading;
  if (duplicates > 0) console.error(`${formatCount(duplicates)} lines were known from an earlier run`);
  const deadLetters = orders.deadLetters();
  if (deadLetters > 0)
    console.error(`${formatCount(deadLetters)} messages could not be handled: see \`aep dead-letters list\``);
  console.log(json ? toJson(summary) : toTable(summary));
}

/** The first signal stops in order, the second at once. */
function stopOnSignals(orders: OrdersRun): () => void {
  let isStopping = false;
  const onSignal = (): void => {
    if (isStopping) process.exit(130);
    isStopping = true;
    console.error('stopping; the same command goes on from here');
    void orders.stop();
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}
