import { type BusDescription, describeBus } from '@aep/bus';
import { defineApp, type Engine, type HandlerContext } from '@aep/engine';
import { Alarm, Counter, CounterFactory, Input, Output } from './gen/counter.js';

export const COUNTER_BUS: BusDescription = describeBus('world', ['inputs', 'outputs'], 'broker');

/** What one input says. */
export interface InputContent {
  readonly number: number;
  readonly account: number;
  readonly amount: number;
  readonly outputs: number;
  readonly poison: boolean;
  /** Sets an alarm that rings so much later; 0 sets none. */
  readonly alarmMs: number;
}

/** What an alarm sends has this part. */
export const ALARM_PART = 99;

/** Under test: adds up what comes, and tells of it. */
export function counterApp() {
  return defineApp<Counter>({ name: 'counter', state: Counter, factories: [CounterFactory] })
    .on(Input, (input, context) => takeInput(input, context.state.accounts.getOrCreate(input.account), context), {
      source: 'inputs',
    })
    .on(Alarm, (alarm, context) => takeAlarm(alarm, context.state.accounts.getOrCreate(alarm.account), context));
}

/** An account in whatever form the state keeps it. */
export interface AccountFields {
  balance: number;
  inputs: number;
}

interface TotalFields {
  total: number;
  digest: number;
}

/** Of the handler's context; the account is a part of its state. */
type CounterContext<S extends TotalFields> = Pick<HandlerContext<S>, 'state' | 'send' | 'engine'>;

export function takeInput<S extends TotalFields>(
  input: Input,
  account: AccountFields,
  { state, send, engine }: CounterContext<S>,
): void {
  account.balance += input.amount;
  account.inputs++;
  state.total++;
  state.digest = digestAfter(state.digest, input.number);
  const { number } = input;
  for (let part = 0; part < input.outputs; part++) send('outputs', outputOf({ number, part }, account, state));
  if (input.alarmMs > 0) setAlarm(input, engine);
  if (input.poison) throw new Error('the input is poison');
}

export function takeAlarm<S extends TotalFields>(
  { number, amount }: Alarm,
  account: AccountFields,
  { state, send }: CounterContext<S>,
): void {
  account.balance -= amount;
  state.digest = digestAfter(state.digest, -number);
  send('outputs', outputOf({ number, part: ALARM_PART }, account, state));
}

function outputOf(
  { number, part }: { readonly number: number; readonly part: number },
  { balance }: AccountFields,
  { total, digest }: TotalFields,
): Output {
  const output = Output.create();
  output.number = number;
  output.part = part;
  output.balance = balance;
  output.total = total;
  output.digest = digest;
  return output;
}

function setAlarm(input: Input, engine: Pick<Engine, 'schedule'>): void {
  const alarm = Alarm.create();
  alarm.number = input.number;
  alarm.account = input.account;
  alarm.amount = input.amount;
  engine.schedule(alarm, { delayMs: input.alarmMs, id: alarmName(input.number) });
}

export function alarmName(number: number): string {
  return `alarm ${number}`;
}

export function encodeInput(content: InputContent): Uint8Array {
  const input = Input.create();
  input.number = content.number;
  input.account = content.account;
  input.amount = content.amount;
  input.outputs = content.outputs;
  input.poison = content.poison;
  input.alarmMs = content.alarmMs;
  const bytes = input.toBytes();
  input.dispose();
  return bytes;
}

/** Depends on the order of what went before. */
export function digestAfter(digest: number, number: number): number {
  return (Math.imul(digest, 31) + number) | 0;
}

export interface ExpectedOutput {
  readonly number: number;
  readonly part: number;
  readonly balance: number;
  readonly total: number;
  readonly digest: number;
}

/** The same once more, written apart from what is tested: a plain fold over inputs in their order. */
export class CounterModel {
  readonly accounts = new Map<number, AccountFields>();
  total = 0;
  digest = 0;
  /** Alarms that were set and have not rung. */
  readonly alarms = new Map<string, InputContent>();

  apply(input: InputContent): ExpectedOutput[] {
    const { number, account, amount, outputs, poison, alarmMs } = input;
    if (poison) return [];
    if (alarmMs > 0) this.alarms.set(alarmName(number), input);
    const { balance, inputs } = this.accounts.get(account) ?? { balance: 0, inputs: 0 };
    this.accounts.set(account, { balance: balance + amount, inputs: inputs + 1 });
    this.total++;
    this.digest = digestAfter(this.digest, number);
    return Array.from({ length: outputs }, (_, part) => {
      return { number, part, balance: balance + amount, total: this.total, digest: this.digest };
    });
  }

  /** undefined when there is no such alarm, or it has rung. */
  ring(name: string): ExpectedOutput[] | undefined {
    const alarm = this.alarms.get(name);
    if (alarm === undefined) return undefined;
    this.alarms.delete(name);
    const { number, account, amount } = alarm;
    const { balance, inputs } = this.accounts.get(account)!;
    this.accounts.set(account, { balance: balance - amount, inputs });
    this.digest = digestAfter(this.digest, -number);
    return [{ number, part: ALARM_PART, balance: balance - amount, total: this.total, digest: this.digest }];
  }

  describe(): string {
    const accounts = [...this.accounts].sort(([a], [b]) => a - b);
    return `${this.total} ${this.digest} ${accounts.map(([id, { balance, inputs }]) => `${id}:${balance}/${inputs}`).join(' ')}`;
  }
}

/** The state under test in the words of the model. */
export function describeCounter(state: Counter): string {
  const accounts = [...state.accounts.range()].sort(([a], [b]) => a - b);
  return `${state.total} ${state.digest} ${accounts.map(([id, { balance, inputs }]) => `${id}:${balance}/${inputs}`).join(' ')}`;
}
