import { SeededRandom } from '@aep/kernel';
import protobuf from 'protobufjs';
import type { BenchmarkCase, CaseResult } from '../case.js';
import { Order } from '../gen/trade.js';
import { heapBytesOf, median, nanosecondsOf, rounded } from '../micro.js';
import { encodedOrders, fillOrder, type OrderContent, orderContent, readAll } from '../orders.js';

const COUNT = 1024;

/** The same message for protobufjs, which decodes whole messages into objects. */
const Peer = protobuf
  .parse(
    `
  syntax = "proto3";
  message Order {
    string orderId = 1; string account = 2; string symbol = 3; int32 side = 4; int32 quantity = 5; double price = 6;
    int64 placedAtMs = 7; string region = 8; string department = 9; bool allOrNone = 10; int64 sequence = 11; string note = 12;
  }`,
  )
  .root.lookupType('Order');

function rotating<T>(items: readonly T[]): () => T {
  let index = 0;
  return () => items[index++ & (items.length - 1)]!;
}

interface Comparison {
  readonly ours: () => unknown;
  readonly peer: () => unknown;
  readonly scale: number;
  /** Times as fast. */
  readonly atLeast: number;
}

/** Short rounds in turns, so that both meet the same neighbours; the median of the rounds. */
const ROUNDS = 5;

async function compare({ ours, peer, scale, atLeast }: Comparison): Promise<CaseResult> {
  const oursNs: number[] = [];
  const peerNs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    oursNs.push(await nanosecondsOf(ours, scale / ROUNDS));
    peerNs.push(await nanosecondsOf(peer, scale / ROUNDS));
  }
  const speed = median(peerNs.map((ns, round) => ns / oursNs[round]!));
  return {
    figures: [
      { name: 'aep', value: rounded(median(oursNs)), unit: 'ns' },
      { name: 'protobufjs', value: rounded(median(peerNs)), unit: 'ns' },
    ],
    ratios: [{ name: 'speed', value: rounded(speed), against: 'protobufjs', goal: { atLeast } }],
  };
}

export const viewCases: readonly BenchmarkCase[] = [
  {
    name: 'views/read-3',
    title: 'wrap a received order and read 3 of 12 fields, against protobufjs decoding it',
    durability: 'none',
    run: ({ scale }) => {
      const next = rotating(encodedOrders(COUNT));
      return compare({
        scale,
        atLeast: 8,
        ours: () => {
          const order = Order.wrap(next());
          const sum = order.account.length + order.quantity + order.price;
          order.dispose();
          return sum;
        },
        peer: () => {
          const order = Peer.decode(next()) as unknown as { account: string; quantity: number; price: number };
          return order.account.length + order.quantity + order.price;
        },
      });
    },
  },
  {
    name: 'views/read-all',
    title: 'wrap a received order and read all 12 fields, against protobufjs',
    durability: 'none',
    run: ({ scale }) => {
      const next = rotating(encodedOrders(COUNT));
      return compare({
        scale,
        atLeast: 2.5,
        ours: () => {
          const order = Order.wrap(next());
          const sum = readAll(order);
          order.dispose();
          return sum;
        },
        peer: () => readAll(Peer.decode(next()) as unknown as Order),
      });
    },
  },
  {
    name: 'views/build',
    title: 'create an order, fill 12 fields and encode it, against protobufjs',
    durability: 'none',
    run: ({ scale }) => {
      const random = new SeededRandom(1);
      const next = rotating(Array.from({ length: COUNT }, (_, sequence) => orderContent(sequence, random)));
      const target = new Uint8Array(1024);
      return compare({
        scale,
        atLeast: 4,
        ours: () => {
          const order = fillOrder(Order.create(), next());
          const end = order.$encodeTo(target, 0);
          order.dispose();
          return end;
        },
        peer: () => Peer.encode(Peer.create(next())).finish().length,
      });
    },
  },
  {
    name: 'views/allocation',
    title: 'bytes of heap per order: reading its numbers, its strings, and building one',
    durability: 'none',
    run: () => Promise.resolve(allocation()),
  },
];

/** What one heap object of a string of this length takes: a head of 16 bytes and its characters, in words of 8. */
function stringBytes(length: number): number {
  return Math.ceil((16 + length) / 8) * 8;
}

/** "No heap allocation per message but the strings that are read"; below one byte is the noise of the measurement. */
const NOTHING = { atMost: 1 } as const;

function allocation(): CaseResult {
  const orders = encodedOrders(COUNT);
  const random = new SeededRandom(1);
  const contents = Array.from({ length: COUNT }, (_, sequence) => orderContent(sequence, random));
  const target = new Uint8Array(1024);
  const next = rotating(orders);
  const nextContent = rotating(contents);
  const stringsOf = ({ orderId, account, symbol, region, department, note }: Order | OrderContent) =>
    [orderId, account, symbol, region, department, note] as const;
  const needed = contents.reduce(
    (sum, content) => sum + stringsOf(content).reduce((bytes, text) => bytes + stringBytes(text.length), 0),
    0,
  );
  const numbers = heapBytesOf(() => {
    const order = Order.wrap(next());
    const sum = order.side + order.quantity + order.sequence + (order.allOrNone ? 1 : 0) + order.price;
    order.dispose();
    return sum > 0;
  });
  const strings = heapBytesOf(() => {
    const order = Order.wrap(next());
    const length =
      order.orderId.length +
      order.account.length +
      order.symbol.length +
      order.region.length +
      order.department.length +
      order.note.length;
    order.dispose();
    return length;
  });
  const building = heapBytesOf(() => {
    const order = fillOrder(Order.create(), nextContent());
    const end = order.$encodeTo(target, 0);
    order.dispose();
    return end;
  });
  const peer = heapBytesOf(() => Peer.decode(next()));
  const figure = (name: string, value: number) => ({ name, value: Math.round(value * 10) / 10, unit: 'bytes' });
  return {
    figures: [
      { ...figure('read 5 numbers', numbers), goal: NOTHING },
      figure('read 6 strings', strings),
      { ...figure('of that beside the strings', strings - needed / COUNT), goal: NOTHING },
      { ...figure('create, fill, encode', building), goal: NOTHING },
      figure('protobufjs, decode', peer),
    ],
    ratios: [],
  };
}
