import { SeededRandom } from '@aep/kernel';
import protobuf from 'protobufjs';
import type { BenchmarkCase, CaseResult } from '../case.js';
import { Order } from '../gen/trade.js';
import { nanosecondsOf, rounded } from '../micro.js';
import { encodedOrders, fillOrder, orderContent, readAll } from '../orders.js';

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

async function compare({ ours, peer, scale, atLeast }: Comparison): Promise<CaseResult> {
  const oursNs = await nanosecondsOf(ours, scale);
  const peerNs = await nanosecondsOf(peer, scale);
  return {
    figures: [
      { name: 'aep', value: rounded(oursNs), unit: 'ns' },
      { name: 'protobufjs', value: rounded(peerNs), unit: 'ns' },
    ],
    ratios: [{ name: 'speed', value: rounded(peerNs / oursNs), against: 'protobufjs', goal: { atLeast } }],
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
];
