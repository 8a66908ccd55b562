import { defineApp, type Engine, type StateCodec } from '@aep/engine';
import { GatewayJournal, OrderEventMessage, NewOrderMessage, OrdersFactory } from '@aep/example-orders';

/** State of the event-sourced variant. */
export interface AlarmBook {
  /** What each handler call sent: line, time and chance; see {@link noteOf}. */
  readonly notes: string[];
  lastLine: number;
}

/** Told what the handlers do, when they do it. */
export interface AlarmWatch {
  onScheduled(line: number, delayMs: number): void;
  onFired(line: number): void;
}

export const EVENTS = 'events';
/** Its handler throws each time, after everything. */
export const isPoison = (line: number): boolean => line % 17 === 9;
/** It does something that a savepoint takes back. */
const changesItsMind = (line: number): boolean => line % 3 === 0;
const throwsOnce = (line: number): boolean => line % 5 === 2;
export const delayOf = (line: number): number => (line * 7919) % 400;

const codec: StateCodec<AlarmBook> = {
  create: () => ({ notes: [], lastLine: 0 }),
  save: (book) => Buffer.from(JSON.stringify(book)),
  load: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as AlarmBook,
};

/**
 * Sets an alarm for each line and books it when it rings; the state is a generated root. Lines that have failed by chance of
 * the outside world are in `failed`: they do not fail again, in a replay as little as in a retry.
 */
export function alarmApp(watch: AlarmWatch, failed: Set<number>) {
  return defineApp<GatewayJournal>({ name: 'alarms', state: GatewayJournal, factories: [OrdersFactory] })
    .on(NewOrderMessage, ({ line }, { state, engine, send }) => {
      if (changesItsMind(line)) {
        const savepoint = engine.savepoint();
        state.sent += 1_000;
        setAlarm(engine, line, 'stray');
        send(EVENTS, eventOf(line, engine));
        engine.rollbackTo(savepoint);
      }
      setAlarm(engine, line, 'alarm');
      watch.onScheduled(line, delayOf(line));
      state.sent++;
      state.lastLine = line;
      send(EVENTS, eventOf(line, engine));
      failIfAsked(line, failed);
    })
    .on(OrderEventMessage, ({ quantity: line }, { state, engine, send }) => {
      watch.onFired(line);
      state.rejected++;
      send(EVENTS, eventOf(-line, engine));
    });
}

/** The same, event-sourced; what it sends is what its state must remember after a replay. */
export function sourcedAlarmApp(failed: Set<number>) {
  return defineApp<AlarmBook>({ name: 'alarms', stateCodec: codec, factories: [OrdersFactory] })
    .on(NewOrderMessage, ({ line }, { state, engine, send }) => {
      setAlarm(engine, line, 'alarm');
      const event = eventOf(line, engine);
      state.notes.push(noteOf(event.line, event.unitPriceMicros, event.description));
      state.lastLine = line;
      send(EVENTS, event);
      failIfAsked(line, failed);
    })
    .on(OrderEventMessage, ({ quantity: line }, { state, engine, send }) => {
      const event = eventOf(-line, engine);
      state.notes.push(noteOf(event.line, event.unitPriceMicros, event.description));
      send(EVENTS, event);
    });
}

export function noteOf(line: number | bigint, timeMs: number | bigint, chance: string): string {
  return `${line} ${timeMs} ${chance}`;
}

function failIfAsked(line: number, failed: Set<number>): void {
  if (isPoison(line)) throw new Error('each time');
  if (!throwsOnce(line) || failed.has(line)) return;
  failed.add(line);
  throw new Error('the first time');
}

function setAlarm(engine: Pick<Engine, 'schedule'>, line: number, name: string): void {
  const alarm = OrderEventMessage.create();
  alarm.quantity = line;
  engine.schedule(alarm, { delayMs: delayOf(line), id: `${name} ${line}` });
}

/** Time and chance as the transaction has them. */
function eventOf(line: number, engine: Pick<Engine, 'now' | 'random'>): NewOrderMessage {
  const event = NewOrderMessage.create();
  event.line = line;
  event.unitPriceMicros = engine.now();
  event.description = String(engine.random());
  return event;
}
