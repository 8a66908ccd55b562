import { defineApp, type StateCodec } from '@aep/engine';
import type { Machine } from '@aep/testkit/pairs';
import { StandbyEngines } from '@aep/testkit/pairs';
import type { Findings } from './checkers/violation.js';
import { type AccountFields, type CounterModel, takeAlarm, takeInput } from './counter-app.js';
import { Alarm, CounterFactory, Input } from './gen/counter.js';

/** What `counterApp` keeps in its state root, as a plain object that its handlers make (E60). */
export interface CounterTable {
  readonly accounts: Record<number, AccountFields>;
  total: number;
  digest: number;
}

const codec: StateCodec<CounterTable> = {
  create: () => ({ accounts: {}, total: 0, digest: 0 }),
  save: (table) => Buffer.from(JSON.stringify(table)),
  load: (bytes) => JSON.parse(Buffer.from(bytes).toString()) as CounterTable,
};

/** As `counterApp`, event-sourced; poison leaves a half-done state behind, which has to be rebuilt. */
export function eventSourcedCounterApp() {
  return defineApp<CounterTable>({ name: 'counter', stateCodec: codec, factories: [CounterFactory] })
    .on(Input, (input, context) => takeInput(input, accountOf(context.state, input.account), context), {
      source: 'inputs',
    })
    .on(Alarm, (alarm, context) => takeAlarm(alarm, accountOf(context.state, alarm.account), context));
}

function accountOf({ accounts }: CounterTable, id: number): AccountFields {
  return (accounts[id] ??= { balance: 0, inputs: 0 });
}

/** The state under test in the words of the model. */
export function describeTable({ total, digest, accounts }: CounterTable): string {
  const sorted = Object.entries(accounts).sort(([a], [b]) => Number(a) - Number(b));
  return `${total} ${digest} ${sorted.map(([id, { balance, inputs }]) => `${id}:${balance}/${inputs}`).join(' ')}`;
}

/** Whether the handlers of every backup have had all records, or have no state and wait for a snapshot (H11). */
export function haveReplayed(machines: readonly Machine[], txId: number): boolean {
  return machines.every(({ life }) => {
    const replay = life?.member.status().replay;
    return replay === undefined || replay.phase === 'waiting' || replay.txId === txId;
  });
}

/** The states that backups have made are that of the model, and nothing differed on the way (H11). */
export function checkReplays(machines: readonly Machine[], model: CounterModel, findings: Findings): void {
  for (const { name, life } of machines) {
    const replay = life?.member.status().replay;
    if (life === undefined || replay === undefined || !(life.engines instanceof StandbyEngines)) continue;
    if (replay.firstProblem !== undefined)
      findings.add('FoldEquality', `the handlers of backup ${name} differ: ${replay.firstProblem}`);
    if (replay.phase === 'waiting') continue;
    const found = life.engines.following.read((state) => describeTable(state as CounterTable));
    if (found !== model.describe())
      findings.add('FoldEquality', `the state of backup ${name} is ${found}, should be ${model.describe()}`);
  }
}
