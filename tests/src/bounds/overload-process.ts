import process from 'node:process';
import { type BusDescription, LoopbackProvider } from '@aep/bus';
import { DirectProvider } from '@aep/bus-direct';
import { createEngine, defineApp, type Engine } from '@aep/engine';
import { NewOrderMessage, OrdersFactory } from '@aep/example-orders';
import { silentLog, SystemClock, systemRandom } from '@aep/kernel';
import { MemoryNetwork } from '@aep/net';
import { MemoryStore } from '@aep/store';

/**
 * Offers far more than can be handled, then stops offering: `overload-process.js consumer|bus|disk SECONDS`. Says, as one
 * line of JSON, what was accepted and handled, the largest queue and heap in each half of the overload, and how long the
 * same work takes before it and after it, when nothing is slow.
 */
const [slow = 'consumer', seconds = '4'] = process.argv.slice(2);
const clock = new SystemClock();
const LIMITS = { inboundQueueMax: 500, transactionsInFlightMax: 500, outboundPendingMax: 500 };
/** A slow consumer handles one message in that time; a slow bus takes it for one way; a slow disk needs it for a commit. */
const SLOW_MS = { consumer: 2, bus: 25, disk: 50 } as const;
/** Offered in each turn of the event loop. */
const OFFERS_PER_TURN = 50;
/** Messages of the work that is timed before and after. */
const TIMED_MESSAGES = 2_000;

let isSlow = false;
const travel = { clock, random: systemRandom(), delayMs: 0 };
const network = new MemoryNetwork(travel);
const loopback = new LoopbackProvider();
const channel = { name: 'new-orders-channel', id: 1, qos: 'Guaranteed', properties: {} } as const;
const roster = [{ app: 'receiver', channel: channel.name, patterns: ['**'] }];
const description: BusDescription = {
  name: 'bus',
  provider: slow === 'bus' ? 'direct' : 'loopback',
  address: slow === 'bus' ? '' : 'x',
  port: 0,
  // A small window, so that a slow bus has little under way.
  properties: slow === 'bus' ? { 'peer.receiver': '127.0.0.1:5001', windowMessages: '16' } : {},
  channels: [channel],
  roster,
};

let handled = 0;
const receiver = engine(
  defineApp({ name: 'receiver', factories: [OrdersFactory] }).on(
    NewOrderMessage,
    async () => {
      handled++;
      if (isSlow && slow === 'consumer') await new Promise((resolve) => setTimeout(resolve, SLOW_MS.consumer));
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
const beforeMs = await timed();
setSlow(true);
const acceptedBefore = accepted;
const startMs = performance.now();
const halfMs = Number(seconds) * 500;
for (let elapsedMs = 0; elapsedMs < halfMs * 2; elapsedMs = performance.now() - startMs) {
  for (let count = 0; count < OFFERS_PER_TURN; count++) offer();
  sample(halves[elapsedMs < halfMs ? 0 : 1]);
  await new Promise((resolve) => setImmediate(resolve));
}
const overloaded = { accepted: accepted - acceptedBefore, refused };
const drainStartMs = performance.now();
await rest();
const drainMs = Math.round(performance.now() - drainStartMs);
setSlow(false);
const afterMs = await timed();
const counts = { ...overloaded, acceptedInAll: accepted, handled, drainMs, beforeMs, afterMs };
process.stdout.write(`${JSON.stringify({ ...counts, halves, queueMax: LIMITS.inboundQueueMax })}\n`);
clearInterval(keepAlive);
process.exit();

function setSlow(value: boolean): void {
  isSlow = value;
  travel.delayMs = isSlow && slow === 'bus' ? SLOW_MS.bus : 0;
}

/** Until nothing is under way. */
async function rest(): Promise<void> {
  await sender.whenIdle();
  await receiver.whenIdle();
}

/** How long it takes from offering some messages to the last of their effects. */
async function timed(): Promise<number> {
  const startMs = performance.now();
  const target = accepted + TIMED_MESSAGES;
  while (accepted < target) {
    const before = accepted;
    offer();
    if (accepted === before) await new Promise((resolve) => setImmediate(resolve));
  }
  await rest();
  return Math.round(performance.now() - startMs);
}

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
  const name = join ? 'receiver' : 'sender';
  const store = new MemoryStore({ clock, engineName: name });
  if (slow === 'disk') store.faults.commitMs = () => (isSlow ? SLOW_MS.disk : 0);
  const provider = slow === 'bus' ? new DirectProvider({ network: network.node(name), variables: {} }) : loopback;
  return createEngine({
    name,
    app,
    store: () => store,
    buses: [{ description, provider, channels: [{ name: channel.name, join }] }],
    clock,
    log: silentLog,
    limits: LIMITS,
  });
}
