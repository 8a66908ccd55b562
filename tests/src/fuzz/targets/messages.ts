import assert from 'node:assert/strict';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { NewOrderMessage, OrderEventMessage, OrderState } from '@aep/example-orders';
import { Any, type Entity, MessageMetadata, type MessageType, Struct, StructEntity } from '@aep/messages';
import { ROOT } from '../../harness/paths.js';
import { bytesOfText, choiceOf, type FuzzTarget, refusalOf, textOfBytes, tokensOf } from '../target.js';

/** The generated code of the code generator's own tests: every kind of field that proto3 has. */
const GENERATED = join(ROOT, 'packages', 'codegen', 'build', 'test', 'gen', 'shop', 'orders.js');

interface Generated {
  readonly OrderReport: { readonly $type: MessageType };
  readonly NewOrder: { readonly $type: MessageType };
  readonly Order: new () => Entity;
}

const STRUCT_JSON = { a: [1, 'two', null, { deep: [true, [[]]] }], b: { c: -0.5 }, ['ü']: '\u{1f600}' };
const REPORT_JSON = {
  orderId: 'order-1',
  executions: [{ executionId: 'e-1' }, { price: 12.5 }],
  lotSizes: [1, -1, 300],
  tags: ['a', 'ü'],
  counters: { x: '5' },
  addresses: { '7': { city: 'Bern' } },
  billing: { country: 'CH' },
  reportedAt: '2026-11-21T12:00:00Z',
  signature: 'AQID',
  sides: ['SIDE_SELL'],
};

/** Bytes of messages: read lazily, checked, shown, copied, written again, and decoded as state. */
export async function openMessageBytes(): Promise<FuzzTarget> {
  const { OrderReport, NewOrder, Order } = await loadGenerated();
  const types = [OrderReport.$type, NewOrder.$type, NewOrderMessage.$type, OrderEventMessage.$type, Struct.$type];
  const entities: readonly (new () => Entity)[] = [Order, StructEntity];
  return {
    name: 'message-bytes',
    testRuns: 4000,
    seeds: [
      OrderReport.$type.fromJSON(REPORT_JSON).toBytes(),
      Struct.fromJSON(STRUCT_JSON).toBytes(),
      orderBytes(),
      eventBytes(),
      new Uint8Array(0),
    ],
    tokens: [
      [0x0a],
      [0x0b],
      [0x0c],
      [0x0e],
      [0xff, 0xff, 0xff, 0xff, 0x0f],
      [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
      [0x0a, 0x00],
      [0xed, 0xa0, 0x80],
    ].map((token) => Uint8Array.from(token)),
    run: (input) => {
      // Every type is given the same bytes, whichever it was that they were made for.
      const refusals = types.map((type) => refusalOf(() => useView(type, input)));
      for (const entity of entities) refusals.push(refusalOf(() => useEntity(new entity(), input)));
      if (refusals.every((refusal) => refusal !== undefined)) throw refusals[0]!;
    },
  };
}

/** JSON as it comes from the command line, the admin API and files. */
export async function openMessageJson(): Promise<FuzzTarget> {
  const { OrderReport } = await loadGenerated();
  const types = [OrderReport.$type, Struct.$type, Any.$type, NewOrderMessage.$type];
  return {
    name: 'message-json',
    testRuns: 4000,
    seeds: [
      bytesOfText(JSON.stringify(REPORT_JSON)),
      bytesOfText(JSON.stringify(STRUCT_JSON)),
      bytesOfText('{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1.5s"}'),
      bytesOfText('{"line":7,"invoiceNo":"700101","quantity":-1,"unitPriceMicros":"255"}'),
    ],
    tokens: tokensOf(
      '{',
      '}',
      '[',
      ']',
      '"__proto__":',
      '"constructor":',
      'null',
      '1e999',
      '-0',
      '"NaN"',
      '\\ud800',
      ',',
    ),
    run: (input) => {
      const text = textOfBytes(input);
      const refusals = types.map((type) => refusalOf(() => useJson(type, text)));
      if (refusals.every((refusal) => refusal !== undefined)) throw refusals[0]!;
    },
  };
}

/** The header beside a message's bytes, in both of its forms. */
export function openMetadata(): FuzzTarget {
  const read = new MessageMetadata();
  const again = new MessageMetadata();
  const target = new Uint8Array(512);
  return {
    name: 'metadata',
    testRuns: 20_000,
    seeds: [
      metadataBytes({}),
      metadataBytes({ sno: -3, flow: 2 ** 40, senderId: 0xffff_ffff, sentAtMs: 1_763_725_000_000 }),
      metadataBytes({
        traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        possibleDuplicate: true,
      }),
    ],
    tokens: [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f], [0x80, 0x00], [0x07]].map((token) =>
      Uint8Array.from(token),
    ),
    run: (input) => {
      read.decodeFrom(input, 0, input.length);
      again.decodeFrom(target, 0, read.encodeTo(target, 0));
      assert.deepEqual(again, read, 'what was read is written and read again');
      again.fromHeaders(read.toHeaders());
      assert.deepEqual(again, read, 'as headers it is the same');
    },
  };
}

async function loadGenerated(): Promise<Generated> {
  return (await import(pathToFileURL(GENERATED).href)) as Generated;
}

function useView(type: MessageType, bytes: Uint8Array): void {
  const view = type.wrap(bytes);
  try {
    view.$validate();
    // What was found to be valid can be copied and written, and stays the same message. JSON cannot say every value.
    const copy = view.copy();
    const again = type.fromBytes(copy.toBytes());
    if (refusalOf(() => JSON.stringify(view)) === undefined) assert.deepEqual(again.toJSON(), view.toJSON());
    copy.dispose();
    again.dispose();
  } finally {
    view.dispose();
  }
}

function useJson(type: MessageType, text: string): void {
  const view = type.fromJSON(text);
  const again = type.fromJSON(view.toJSON());
  assert.deepEqual(again.toJSON(), view.toJSON(), 'what JSON says is said again');
  view.dispose();
  again.dispose();
}

function useEntity(entity: Entity, bytes: Uint8Array): void {
  const start = choiceOf(bytes) % 3;
  const room = new Uint8Array(start + bytes.length);
  room.set(bytes, start);
  entity.$decode(room, start, room.length);
  entity.$encodeTo(new Uint8Array(entity.$encodedSizeMax()), 0);
}

function orderBytes(): Uint8Array {
  const order = NewOrderMessage.create();
  order.line = 7;
  order.invoiceNo = '700101';
  order.description = 'LARGE CUSHION';
  order.quantity = -8;
  order.unitPriceMicros = 2_100_000;
  order.country = 'Österreich';
  return order.toBytes();
}

function eventBytes(): Uint8Array {
  const event = OrderEventMessage.create();
  event.orderState = OrderState.Amended;
  event.region = 'Europe';
  event.amountMicros = -(2n ** 40n);
  return event.toBytes();
}

function metadataBytes(changes: Partial<MessageMetadata>): Uint8Array {
  const metadata = Object.assign(new MessageMetadata(), {
    factoryId: 1,
    typeId: 10,
    incarnation: 3,
    sno: 5,
    ...changes,
  });
  const bytes = new Uint8Array(metadata.encodedSize());
  metadata.encodeTo(bytes, 0);
  return bytes;
}
