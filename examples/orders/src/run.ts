import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Engine } from '@aep/engine';
import { startXvm, type Xvm } from '@aep/host';
import { AepError, toError } from '@aep/kernel';
import type { GatewayJournal, LedgerBook, OrderBook } from './gen/orders.js';
import { Reading } from './reading.js';
import { rejectedLines, summariseLedger, summariseOrders, type Summary } from './summary.js';

const HOME = dirname(dirname(fileURLToPath(import.meta.url)));

export const SAMPLE = join(HOME, 'sample.csv');

/** The three apps at work on one input. */
export class OrdersRun {
  /** @internal */
  constructor(
    private readonly xvm: Xvm,
    readonly reading: Reading,
  ) {}

  /**
   * Resolves when the input is read and all that came of it is confirmed. In the order of the flow: a gateway is idle when the
   * order processor has all its messages, and then only the events to the ledger are left.
   *
   * @throws what went wrong with the input, or the cause why an app stopped; AEP_ORDERS_INTERRUPTED after `stop`
   */
  async finish(): Promise<void> {
    const stopped = this.xvm.stopped.then(() => false);
    // An engine that stops tells whoever waits for it: then the end of the process says why, not the wait.
    const finished = this.work().then(
      () => true,
      (error: unknown) => (isEngineStopped(error) ? stopped : Promise.reject(toError(error))),
    );
    // Work that ends while the process stops is done, but its result can no longer be read; the next run shows it.
    if ((await Promise.race([finished, stopped])) && this.xvm.state === 'started') return;
    const { cause } = await this.xvm.stopped;
    throw cause ?? new AepError('AEP_ORDERS_INTERRUPTED', 'retry', 'stopped before the end; started again, it goes on');
  }

  summary(): Summary {
    const orders = this.engine<OrderBook>('order-processor').read((book) => summariseOrders(book));
    const ledger = this.engine<LedgerBook>('ledger').read((book) => summariseLedger(book));
    return { ...orders, ledger, rejected: this.engine<GatewayJournal>('gateway').read((journal) => journal.rejected) };
  }

  rejectedLines(): { readonly line: number; readonly reason: string }[] {
    return this.engine<GatewayJournal>('gateway').read((journal) => rejectedLines(journal));
  }

  /** Messages that no handler could take; there are none unless something is wrong with the apps. */
  deadLetters(): number {
    return this.engines.reduce((count, engine) => count + engine.deadLetters.list().length, 0);
  }

  /** Orderly; what was accepted is finished first. */
  async stop(): Promise<void> {
    await this.xvm.stop();
  }

  private async work(): Promise<void> {
    await this.reading.finished;
    for (const engine of this.engines) await engine.whenIdle();
  }

  private get engines(): Engine[] {
    return ['gateway', 'order-processor', 'ledger'].map((name) => this.engine(name));
  }

  private engine<S>(name: string): Engine<S> {
    return this.xvm.engine<S>(name);
  }
}

function isEngineStopped(error: unknown): boolean {
  return error instanceof AepError && error.code === 'AEP_ENGINE_STOPPED';
}

/**
 * Starts the apps of model.xml on an input. Their state is in a directory per content of the input, so that another input
 * starts afresh and the same one goes on.
 *
 * @throws AEP_ORDERS_INPUT when the file cannot be read, and what starting the apps throws
 */
export async function startOrders(input: string, data: string): Promise<OrdersRun> {
  const file = resolve(input);
  const identity = await hashFile(file, input);
  const reading = new Reading();
  const xvm = await startXvm({
    model: { file: join(HOME, 'model.xml') },
    xvm: 'orders',
    dataDir: resolve(data, 'orders', identity.slice(0, 16)),
    environment: { ...process.env, ORDERS_INPUT: file },
    registerServices: (services) => services.register(Reading, { useValue: reading }),
  });
  return new OrdersRun(xvm, reading);
}

async function hashFile(file: string, name: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Uint8Array>) hash.update(chunk);
  } catch (error) {
    const reason = REASONS[(error as NodeJS.ErrnoException).code ?? ''] ?? toError(error).message;
    throw new AepError('AEP_ORDERS_INPUT', 'reject', `input ${name} cannot be read: ${reason}`, { file }, error);
  }
  return hash.digest('hex');
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
};
