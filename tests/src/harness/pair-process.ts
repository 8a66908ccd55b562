import process from 'node:process';
import { createInterface } from 'node:readline';
import { type LedgerBook, type OrderBook, Reading } from '@aep/example-orders';
import { runXvm, type Xvm } from '@aep/host';
import { rerouteConnections } from './pair-network/rerouted-connections.js';
import { summaryPart } from './summary-part.js';

/**
 * One process of the order example as a pair. Arguments: model file, xvm, data directory, profiles.
 *
 * Says `started`; of a member `group {role, epoch, members}` whenever that changes; of the gateway `done` when the order
 * processor has all of the input, and after `arm` (answered `armed`) `acked MS` with the moment of the first acknowledgement
 * that came after the connection was lost. Answers `summary` with its part of the result, `look` with how far it is.
 */
const [file = '', name = '', dataDir = '', profiles = 'pair'] = process.argv.slice(2);
const app = name.startsWith('processor-') ? 'order-processor' : name;
const LOOK_MS = 1;

const routes = process.env['AEP_REROUTE'];
if (routes !== undefined) rerouteConnections(routes);
const reading = new Reading();
const code = await runXvm({
  model: { file },
  profiles: profiles.split(','),
  xvm: name,
  dataDir,
  registerServices: (services) => services.register(Reading, { useValue: reading }),
  onStarted: (xvm) => {
    say('started');
    if (app === 'order-processor') tellGroup(xvm);
    createInterface({ input: process.stdin }).on('line', (line) => {
      if (line.startsWith('summary '))
        void xvm
          .engine(app)
          .whenIdle()
          .then(() => say(`${line} ${summaryPart(xvm, app)}`));
      if (line === 'arm') arm(xvm);
      if (line === 'look') say(`look ${JSON.stringify(lookAt(xvm))}`);
    });
    if (name === 'gateway') void reading.finished.then(() => xvm.engine(name).whenIdle()).then(() => say('done'));
  },
});
// Not left to the event loop's end, where Node 20 can hang (see scripts/start.mjs).
process.exit(code);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function tellGroup(xvm: Xvm): void {
  let told = '';
  const look = (): void => {
    const { role, epoch, register } = xvm.unit(app).group!.status();
    const now = JSON.stringify({ role, epoch, members: register?.members.map((member) => member.name) ?? [] });
    if (now === told) return;
    told = now;
    say(`group ${now}`);
  };
  look();
  setInterval(look, LOOK_MS);
}

/**
 * How many orders the gateway has sent and knows to be confirmed; lines and events that a processor or the ledger has in its
 * state, while an engine runs here; records of a member, and how many its follower lacks.
 */
function lookAt(xvm: Xvm): Readonly<Record<string, number>> {
  const { sent = 0, confirmed = 0 } = xvm.engine(app).statistics().counters;
  if (name === 'gateway') return { sent, confirmed };
  if (name === 'ledger') return { lines: xvm.engine<LedgerBook>(app).read(({ lines }) => lines) };
  const { lastTxId, followers } = xvm.unit(app).group!.status();
  const group = { lastTxId, lag: followers[0]?.lag ?? -1 };
  if (xvm.unit(app).state !== 'started') return group;
  return { ...group, ...xvm.engine<OrderBook>(app).read(({ lines, events }) => ({ lines, events })) };
}

/** What is confirmed when the connection is lost came from the one that is gone; the next confirmation comes from the other. */
function arm(xvm: Xvm): void {
  let downs: number | undefined;
  let before: number | undefined;
  const timer = setInterval(() => {
    const { buses, counters } = xvm.engine(app).statistics();
    const bus = buses['orders-bus']!;
    const confirmed = counters['confirmed'] ?? 0;
    if (downs === undefined) {
      // One that is down already could not be seen to go down.
      if (bus.state !== 'up') return;
      downs = bus.downs;
      say('armed');
    } else if (bus.downs > downs) {
      downs = bus.downs;
      before = confirmed;
    } else if (before !== undefined && confirmed > before) {
      clearInterval(timer);
      say(`acked ${performance.timeOrigin + performance.now()}`);
    }
  }, LOOK_MS);
}
