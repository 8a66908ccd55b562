import type { EngineImage } from './engine-image.js';
import { foldRecords } from './fold.js';
import { checkEngine, checkRoute, Findings, isWhole, type Route, type Violation } from './invariants.js';
import { type JournalRecord, QUARANTINED, type RecordOutbound } from './journal-record.js';
import { WireMessage } from './wire.js';

export interface OrdersExpectation {
  /** Line numbers that the gateway has to send on; undefined when nobody knows them. */
  readonly lines?: ReadonlySet<number> | undefined;
  /** Lines that were acknowledged to whoever handed them over: in the journal, come what may. */
  readonly acknowledged?: ReadonlySet<number> | undefined;
  /** Nothing is under way any more. */
  readonly isComplete: boolean;
}

/** Channels of the order example; every event of the processor passes the ledger's filter. */
export const ORDERS_ROUTES: readonly Route[] = [
  { channel: 'new-orders-channel', sender: 'gateway', receiver: 'order-processor' },
  { channel: 'order-events-channel', sender: 'order-processor', receiver: 'ledger' },
];

/**
 * Everything that can be said about the three engines of the order example from what they have on their disks: the
 * invariants of each engine, of each channel, and whether state and events are what the received lines add up to. The
 * naive sums here share nothing with the apps.
 */
export function checkOrders(images: ReadonlyMap<string, EngineImage>, expected: OrdersExpectation): Violation[] {
  const general = [
    ...[...images.values()].flatMap((image) => checkEngine(image)),
    ...ORDERS_ROUTES.flatMap((route) => checkRoute(route, images, expected.isComplete)),
  ];
  // Sums over records that are damaged would only repeat what is known, and over a part of them say nothing.
  const isDamaged = general.some(({ invariant }) => invariant === 'CommittedPrefix');
  if (isDamaged || ![...images.values()].every((image) => isWhole(image))) return general;
  const gateway = images.get('gateway')!;
  const processor = images.get('order-processor')!;
  return [
    ...general,
    ...checkLines(gateway, expected),
    ...checkProcessor(processor, gateway),
    ...checkLedger(images.get('ledger')!, processor),
  ];
}

const NEW_ORDERS = 'new-orders-channel';
const ORDER_EVENTS = 'order-events-channel';
const DEAD_LETTERS = 0xff04;
/** Each line of the input was sent on once, in the order of the input. */
function checkLines(gateway: EngineImage, { lines, acknowledged, isComplete }: OrdersExpectation): Violation[] {
  const found = new Findings(gateway.engine);
  const sent = new Set<number>();
  let last = 0;
  for (const { txId, outbound } of gateway.records) {
    for (const { content } of outbound) {
      const line = Number(new WireMessage(content).number(1));
      if (sent.has(line)) found.add('EffectOnce', `record ${txId}: line ${line} was sent before`);
      else if (line < last) found.add('SenderOrder', `record ${txId}: line ${line} after line ${last}`);
      if (lines?.has(line) === false) found.add('EffectOnce', `record ${txId}: line ${line} is none of the input`);
      sent.add(line);
      last = Math.max(last, line);
    }
  }
  for (const line of (isComplete ? lines : acknowledged) ?? []) {
    if (!sent.has(line)) found.add('NoLostInput', `line ${line} was never sent on`);
  }
  return found.violations;
}

function checkProcessor(processor: EngineImage, gateway: EngineImage): Violation[] {
  const found = new Findings(processor.engine);
  const messages = outboundByNumber(gateway, NEW_ORDERS);
  const orders = new Sums(3);
  const countries = new Sums(3);
  let handled = 0n;
  for (const record of processor.records) {
    const message = effectOf(record, messages, found);
    if (message === undefined) continue;
    handled++;
    const quantity = message.number(5);
    const amount = quantity * message.number(7);
    orders.add(message.text(2), [1n, quantity, amount]);
    countries.add(message.text(9), [1n, quantity, amount]);
    checkEvent(record, { invoice: message.text(2), quantity, amount }, found);
  }
  const state = new FoldedState(processor);
  compare(found, 'orders', orders.rows, state.rows(1, [4, 5, 6]));
  compare(found, 'countries', countries.rows, state.rows(3, [1, 3, 4]));
  compare(found, 'counts of lines and events', handled === 0n ? [] : [`${handled},${handled}`], state.rows(0, [4, 6]));
  return found.violations;
}

function checkLedger(ledger: EngineImage, processor: EngineImage): Violation[] {
  const found = new Findings(ledger.engine);
  const messages = outboundByNumber(processor, ORDER_EVENTS);
  const states = new Sums(2);
  const total: [bigint, bigint, bigint] = [0n, 0n, 0n];
  for (const record of ledger.records) {
    const message = effectOf(record, messages, found);
    if (message === undefined) continue;
    const quantity = message.number(6);
    const amount = message.number(7);
    states.add(String(message.number(2)), [1n, amount]);
    total[0]++;
    total[1] += quantity;
    total[2] += amount;
    if (record.outbound.length > 0) found.add('Atomicity', `record ${record.txId} sends something`);
  }
  const state = new FoldedState(ledger);
  compare(found, 'totals by order state', states.rows, state.rows(4, [1, 2]));
  compare(found, 'totals', total[0] === 0n ? [] : [total.join(',')], state.rows(0, [1, 2, 3]));
  return found.violations;
}

/** The message whose effect a record is; undefined for records without one: local ones, dead letters. */
function effectOf(
  record: JournalRecord,
  messages: ReadonlyMap<string, RecordOutbound>,
  found: Findings,
): WireMessage | undefined {
  const { txId, cause, changes, outbound } = record;
  const touchesState = changes.some(({ tableId }) => tableId < 0xff00);
  if (cause === undefined || (record.flags & QUARANTINED) !== 0) {
    const isKept = changes.some(({ tableId }) => tableId === DEAD_LETTERS);
    if (cause !== undefined && !isKept)
      found.add('NoLostInput', `record ${txId} sets a message aside and keeps nothing`);
    if (touchesState || (cause !== undefined && outbound.length > 0))
      found.add('Atomicity', `record ${txId} has effects of a handler that was rolled back`);
    return undefined;
  }
  if (!touchesState) found.add('Atomicity', `record ${txId} has the message and not its changes`);
  const message = messages.get(numberName(cause.flow, cause.sno));
  // That it is not there is said by StableBeforeRelease.
  return message === undefined ? undefined : new WireMessage(message.content);
}

interface ExpectedEvent {
  readonly invoice: string;
  readonly quantity: bigint;
  readonly amount: bigint;
}

function checkEvent({ txId, outbound }: JournalRecord, expected: ExpectedEvent, found: Findings): void {
  const [event, ...more] = outbound;
  if (event === undefined || more.length > 0)
    return found.add('Atomicity', `record ${txId} sends ${outbound.length} events for one line`);
  const message = new WireMessage(event.content);
  const isRight =
    message.text(1) === expected.invoice &&
    message.number(6) === expected.quantity &&
    message.number(7) === expected.amount;
  if (!isRight) found.add('Atomicity', `record ${txId} sends an event of another line`);
}

function outboundByNumber({ records }: EngineImage, channel: string): Map<string, RecordOutbound> {
  const messages = new Map<string, RecordOutbound>();
  for (const { outbound } of records) {
    for (const message of outbound) {
      if (message.tag.channel === channel) messages.set(numberName(message.flow, message.sno), message);
    }
  }
  return messages;
}

function numberName(flow: number, sno: number): string {
  return `${flow}:${sno}`;
}

/** Sums per key. */
class Sums {
  private readonly byKey = new Map<string, bigint[]>();

  constructor(private readonly width: number) {}

  add(key: string, values: readonly bigint[]): void {
    const sums = this.byKey.get(key) ?? Array.from({ length: this.width }, () => 0n);
    this.byKey.set(
      key,
      sums.map((sum, index) => sum + values[index]!),
    );
  }

  get rows(): string[] {
    return [...this.byKey.values()].map((sums) => sums.join(',')).toSorted();
  }
}

/** The application's tables as the whole journal makes them. */
class FoldedState {
  private readonly tables: ReadonlyMap<string, string>;

  constructor({ records }: EngineImage) {
    this.tables = foldRecords(records, Infinity);
  }

  /** The fields of each entry of a table, sorted: keys are left out, because their encoding is the engine's business. */
  rows(tableId: number, fields: readonly number[]): string[] {
    const rows: string[] = [];
    for (const [name, value] of this.tables) {
      if (!name.startsWith(`${tableId}/`)) continue;
      const entry = new WireMessage(Buffer.from(value, 'hex'));
      rows.push(fields.map((field) => entry.number(field)).join(','));
    }
    return rows.toSorted();
  }
}

function compare(found: Findings, what: string, expected: readonly string[], actual: readonly string[]): void {
  const at = expected.findIndex((row, index) => row !== actual[index]);
  if (at < 0 && expected.length === actual.length) return;
  const place = at < 0 ? expected.length : at;
  found.add(
    'EffectOnce',
    `${what}: the messages add up to ${expected.length} rows, the state has ${actual.length}; row ${place} should be ${expected[place]}, is ${actual[place]}`,
  );
}
