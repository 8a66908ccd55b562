import { type BusDescription, describeBus } from '@aep/bus';
import { defineApp } from '@aep/engine';
import { Counter, CounterFactory, Input, Output } from './gen/counter.js';

export const COUNTER_BUS: BusDescription = describeBus('world', ['inputs', 'outputs'], 'broker');

/** What one input says. */
export interface InputContent {
  readonly number: number;
  readonly account: number;
  readonly amount: number;
  readonly outputs: number;
  readonly poison: boolean;
}

/** Under test: adds up what comes, and tells of it. */
export function counterApp() {
  return defineApp<Counter>({ name: 'counter', state: Counter, factories: [CounterFactory] }).on(
    Input,
    (input, { state, send }) => {
      const account = state.accounts.getOrCreate(input.account);
      account.balance += input.amount;
      account.inputs++;
      state.total++;
      state.digest = digestAfter(state.digest, input.number);
      for (let part = 0; part < input.outputs; part++) {
        const output = Output.create();
        output.number = input.number;
        output.part = part;
        output.balance = account.balance;
        output.total = state.total;
        output.digest = state.digest;
        send('outputs', output);
      }
      if (input.poison) throw new Error('the input is poison');
    },
    { source: 'inputs' },
  );
}

export function encodeInput(content: InputContent): Uint8Array {
  const input = Input.create();
  input.number = content.number;
  input.account = content.account;
  input.amount = content.amount;
  input.outputs = content.outputs;
  input.poison = content.poison;
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
  readonly accounts = new Map<number, { balance: number; inputs: number }>();
  total = 0;
  digest = 0;

  apply({ number, account, amount, outputs, poison }: InputContent): ExpectedOutput[] {
    if (poison) return [];
    const { balance, inputs } = this.accounts.get(account) ?? { balance: 0, inputs: 0 };
    this.accounts.set(account, { balance: balance + amount, inputs: inputs + 1 });
    this.total++;
    this.digest = digestAfter(this.digest, number);
    return Array.from({ length: outputs }, (_, part) => {
      return { number, part, balance: balance + amount, total: this.total, digest: this.digest };
    });
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
