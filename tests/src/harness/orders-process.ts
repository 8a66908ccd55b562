import process from 'node:process';
import { createInterface } from 'node:readline';
import {
  type GatewayJournal,
  type LedgerBook,
  type OrderBook,
  Reading,
  summariseLedger,
  summariseOrders,
  type Summary,
  toJson,
} from '@aep/example-orders';
import { runXvm, type Xvm } from '@aep/host';

/**
 * One process of the order example, as a profile of its model has it. Arguments: model file, xvm, data directory, profile
 * (`three-processes` when there is none).
 * Says `done` when the gateway has read its input and the order processor has all of it; answers a line `summary N` with that
 * line and its part of the result, once it has passed on what it was given.
 */
const [file = '', name = '', dataDir = '', profile = 'three-processes'] = process.argv.slice(2);
const reading = new Reading();
const code = await runXvm({
  model: { file },
  profiles: [profile],
  xvm: name,
  dataDir,
  registerServices: (services) => services.register(Reading, { useValue: reading }),
  onStarted: (xvm) => {
    say('started');
    createInterface({ input: process.stdin }).on('line', (line) => {
      if (line.startsWith('summary '))
        void xvm
          .engine(name)
          .whenIdle()
          .then(() => say(`${line} ${partOf(xvm)}`));
    });
    if (name === 'gateway') void reading.finished.then(() => xvm.engine(name).whenIdle()).then(() => say('done'));
  },
});
// Not left to the event loop's end, where Node 20 can hang (see scripts/start.mjs).
process.exit(code);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** The summary as JSON with the parts of the other processes empty. */
function partOf(xvm: Xvm): string {
  const nothing: Summary = {
    lines: 0,
    orders: 0,
    cancelledLines: 0,
    customers: 0,
    events: 0,
    byCountry: new Map(),
    ledger: { lines: 0, quantity: 0, amountMicros: 0n },
    rejected: 0,
  };
  switch (name) {
    case 'gateway':
      return toJson({ ...nothing, rejected: xvm.engine<GatewayJournal>(name).read((journal) => journal.rejected) });
    case 'order-processor':
      return toJson({ ...nothing, ...xvm.engine<OrderBook>(name).read((book) => summariseOrders(book)) });
    default:
      return toJson({ ...nothing, ledger: xvm.engine<LedgerBook>(name).read((book) => summariseLedger(book)) });
  }
}
