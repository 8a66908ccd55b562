import process from 'node:process';
import { createEngine, defineApp } from '@aep/engine';
import { SeededRandom, SystemClock } from '@aep/kernel';
import { openLmdbStore } from '@aep/store-lmdb';
import { Order, Positions, TradeFactory } from '../gen/trade.js';
import { HeapPeak } from '../heap-peak.js';
import { readyUntil } from './child.js';

/**
 * More entities than the heap could hold: `state-process.js PATH fill|read ENTITIES TOUCHED`. A message touches a thousand
 * of them, so that the entities are measured and not the messages.
 */
const [path = '', mode = 'fill', entities = '', touched = ''] = process.argv.slice(2);
const PER_MESSAGE = 1_000;
const IN_FLIGHT = 8;

export interface StateFigures {
  readonly perSecond: number;
  /** The same over the first and the last tenth: a state that gets slower as it grows shows it here. */
  readonly firstPerSecond: number;
  readonly lastPerSecond: number;
  readonly heap: ReturnType<HeapPeak['end']>;
}

const random = new SeededRandom(7);
const count = Number(entities);
const clock = new SystemClock();
const app = defineApp({ name: 'wide', state: Positions, factories: [TradeFactory] }).on(Order, (order, { state }) => {
  const { positions } = state;
  for (let index = order.sequence, end = index + order.quantity; index < end; index++) {
    if (mode === 'fill') {
      const position = positions.getOrCreate(`account-${index}`);
      position.quantity = index;
      position.value = index / 2;
      position.lastSequence = order.sequence;
    } else {
      const chosen = random.below(count);
      const quantity = positions.get(`account-${chosen}`)?.quantity;
      if (quantity !== chosen) throw new Error(`account-${chosen} has quantity ${quantity}`);
    }
  }
});
const engine = createEngine<Positions>({
  app,
  clock,
  store: () => openLmdbStore({ path, engineName: 'wide', durability: 'os', clock }),
});
engine.alerts$.subscribe((alert) => {
  if (alert.kind === 'ApplicationException') throw new Error(JSON.stringify(alert));
});
await engine.start();
const heapPeak = new HeapPeak(50);
const total = Number(touched);
const marksMs: number[] = [performance.now()];
for (let tenth = 0; tenth < 10; tenth++) {
  await touch(Math.round((total * tenth) / 10), Math.round((total * (tenth + 1)) / 10));
  marksMs.push(performance.now());
}
const rate = (from: number, to: number): number =>
  ((total * (to - from)) / 10 / (marksMs[to]! - marksMs[from]!)) * 1000;
const figures: StateFigures = {
  perSecond: rate(0, 10),
  firstPerSecond: rate(0, 1),
  lastPerSecond: rate(9, 10),
  heap: heapPeak.end(),
};
readyUntil(figures, () => engine.stop());

async function touch(from: number, to: number): Promise<void> {
  let next = from;
  const worker = async (): Promise<void> => {
    while (next < to) {
      const order = Order.create();
      order.sequence = next;
      order.quantity = Math.min(PER_MESSAGE, to - next);
      next += order.quantity;
      await engine.inject(order);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}
