import process from 'node:process';
import { type BusDescription, LoopbackProvider } from '@aep/bus';
import { createEngine, defineApp, type Engine } from '@aep/engine';
import { NewOrderMessage, OrdersFactory } from '@aep/example-orders';
import { silentLog, SystemClock } from '@aep/kernel';
import { MemoryStore } from '@aep/store';

/**
 * Offers far more than can be handled, then stops offering: `overload-process.js consumer|disk SECONDS`. Says, as one line
 * of JSON, what was accepted and handled, and the largest queue and heap in each half of the overload.
 */
const [slow = 'consumer', seconds = '4'] = process.argv.slice(2);
const clock = new SystemClock();
const LIMITS = { inboundQueueMax: 500, transactionsInFlightMax: 500, outboundPendingMax: 500 };
/** A slow consumer handles one message in that time; a slow disk needs it for a commit. */
const SLOW_MS = { consumer: 2, disk: 50 } as const;
/** Offered in each turn of the event loop. */
const OFFERS_PER_TURN = 50;

const provider = new LoopbackProvider();
const channel = { name: 'new-orders-channel', id: 1, qos: 'Guaranteed', properties: {} } as const;
const roster = [{ app: 'receiver', channel: channel.name, patterns: ['**'] }];
const description: BusDescription = {
  name: 'bus',
  provider: 'loopback',
  address: 'x',
  port: 0,
  properties: {},
  channels: [channel],
  roster,
};

let handled = 0;
const pause = slow === 'consumer' ? SLOW_MS.consumer : 0;
const receiver = engine(
  defineApp({ name: 'receiver', factories: [OrdersFactory] }).on(
    NewOrderMessage,
    async () => {
      handled++;
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    },
    { source: channel.name },
  ),
  true,
);
const sender = engine(defineApp({ name: 'sender', factories: [OrdersFactory] }), false);

let accepted = 0;
let refused = 0;
const halves = [newHalf(), newHalf()] as const;
const keepAlive = setInterval(() => undefined, 1_000);
await receiver.start();
await sender.start();
const startMs = performance.now();
const halfMs = Number(seconds) * 500;
for (let elapsedMs = 0; elapsedMs < halfMs * 2; elapsedMs = performance.now() - startMs) {
  for (let count = 0; count < OFFERS_PER_TURN; count++) offer();
  sample(halves[elapsedMs < halfMs ? 0 : 1]);
  await new Promise((resolve) => setImmediate(resolve));
}
const drainStartMs = performance.now();
await sender.whenIdle();
await receiver.whenIdle();
const drainMs = Math.round(performance.now() - drainStartMs);
process.stdout.write(
  `${JSON.stringify({ accepted, refused, handled, drainMs, halves, queueMax: LIMITS.inboundQueueMax })}\n`,
);
clearInterval(keepAlive);
process.exit();

function offer(): void {
  const message = NewOrderMessage.create();
  message.line = accepted + 1;
  message.description = 'x'.repeat(500);
  if (sender.senderFor().offer(channel.name, message) === 'accepted') accepted++;
  else {
    refused++;
    message.dispose();
  }
}

function newHalf(): { queue: number; inFlight: number; heapMiB: number } {
  return { queue: 0, inFlight: 0, heapMiB: 0 };
}

function sample(half: ReturnType<typeof newHalf>): void {
  for (const { inboundQueued, inFlight } of [sender.statistics(), receiver.statistics()]) {
    half.queue = Math.max(half.queue, inboundQueued);
    half.inFlight = Math.max(half.inFlight, inFlight);
  }
  half.heapMiB = Math.max(half.heapMiB, Math.round(process.memoryUsage().heapUsed / 2 ** 20));
}

function engine(app: ReturnType<typeof defineApp>, join: boolean): Engine {
  const store = new MemoryStore({ clock, engineName: join ? 'receiver' : 'sender' });
  if (slow === 'disk') store.faults.commitMs = () => SLOW_MS.disk;
  return createEngine({
    name: join ? 'receiver' : 'sender',
    app,
    store: () => store,
    buses: [{ description, provider, channels: [{ name: channel.name, join }] }],
    clock,
    log: silentLog,
    limits: LIMITS,
  });
}
