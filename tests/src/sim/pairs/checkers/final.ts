import type { Engine } from '@aep/engine';
import type { Machine } from '@aep/testkit/pairs';
import { entryName, hex } from '../../../checker/engine-image.js';
import { foldRecords } from '../../../checker/fold.js';
import { type JournalRecord, QUARANTINED } from '../../../checker/journal-record.js';
import { CounterModel, describeCounter, type ExpectedOutput } from '../counter-app.js';
import { type CounterTable, describeTable } from '../event-sourced-counter.js';
import { type Counter, Output } from '../gen/counter.js';
import type { PlannedInput } from '../plan.js';
import type { Ledger } from './ledger.js';
import type { Findings } from './violation.js';

/** When everything has come to rest: what the inputs must have led to, computed by a model of the application. */
export class FinalChecker {
  private folded: { readonly txId: number; readonly tables: ReadonlyMap<string, string> } | undefined;

  constructor(
    private readonly ledger: Ledger,
    private readonly findings: Findings,
  ) {}

  /** Every input is the cause of one record, in its sender's order, with all of its effects (H0). Answers the state that follows. */
  checkEffects(inputs: readonly PlannedInput[]): CounterModel {
    const { findings } = this;
    const model = new CounterModel();
    const planned = new Map(inputs.map((input) => [`${input.sender}/${input.flow}:${input.sno}`, input]));
    const last = new Map<string, number>();
    for (const record of this.ledger.records) {
      const { txId, cause, outbound, changes, flags } = record;
      if (cause === undefined) {
        this.checkAlarm(record, model);
        continue;
      }
      const stream = `${cause.senderId}/${cause.flow}`;
      const input = planned.get(`${stream}:${cause.sno}`);
      planned.delete(`${stream}:${cause.sno}`);
      if (input === undefined) {
        findings.add(
          'EffectOnce',
          `record ${txId} is of input ${stream}:${cause.sno}, which has had its effect or never was`,
        );
        continue;
      }
      if (cause.sno <= (last.get(stream) ?? 0))
        findings.add('SenderOrder', `record ${txId}: input ${stream}:${cause.sno} comes too late`);
      last.set(stream, cause.sno);
      this.checkOutputs(`record ${txId} of input ${input.number}`, outbound, model.apply(input));
      const isQuarantined = (flags & QUARANTINED) !== 0;
      if (isQuarantined !== input.poison || changes.length === 0)
        findings.add(
          'Atomicity',
          `record ${txId} of input ${input.number} has ${changes.length} changes, quarantined: ${isQuarantined}`,
        );
    }
    const lost = new Set<string>();
    for (const { cause } of this.ledger.lostRecords)
      if (cause !== undefined) lost.add(`${cause.senderId}/${cause.flow}:${cause.sno}`);
    for (const name of planned.keys())
      if (!lost.has(name)) findings.add('NoLostInput', `input ${name} was acknowledged and no stable record has it`);
    for (const name of model.alarms.keys()) findings.add('NoLostInput', `${name} was set and has never rung`);
    return model;
  }

  /** A timer goes with the record that handles it (E63): each one that was set rings in one record, whoever is primary then. */
  private checkAlarm({ txId, outbound, changes }: JournalRecord, model: CounterModel): void {
    const removed = changes.filter(({ tableId, value }) => tableId === TIMERS && value === undefined);
    for (const { key } of removed) {
      const name = key.toString();
      const expected = model.ring(name);
      if (expected === undefined)
        this.findings.add('EffectOnce', `${name} rings in record ${txId}, but it was not set or has rung`);
      else this.checkOutputs(`record ${txId} of ${name}`, outbound, expected);
    }
  }

  private checkOutputs(whose: string, outbound: JournalRecord['outbound'], expected: readonly ExpectedOutput[]): void {
    const sent = outbound.map(({ content }) => Output.fromBytes(content));
    if (describeOutputs(sent) !== describeOutputs(expected))
      this.findings.add('Atomicity', `${whose} sends ${describeOutputs(sent)}, not ${describeOutputs(expected)}`);
    for (const output of sent) output.dispose();
  }

  checkState(engine: Engine, model: CounterModel, when: string): void {
    const isEventSourced = engine.app.stateCodec !== undefined;
    const found = engine.read((state) =>
      isEventSourced ? describeTable(state as CounterTable) : describeCounter(state as Counter),
    );
    if (found !== model.describe())
      this.findings.add('FoldEquality', `the state ${when} is ${found}, should be ${model.describe()}`);
  }

  /** Journal and tables of one member (H32: live state = fold of journal = backup). */
  checkDisk({ name, disk, isDamaged }: Machine): void {
    const { committed } = this.ledger;
    if (isDamaged) this.findings.add('FoldEquality', `nobody has noticed that the disk of ${name} is damaged`);
    for (const run of disk.runs) {
      const view = new DataView(run.bytes.buffer, run.bytes.byteOffset);
      let txId = run.firstTxId;
      for (let at = run.start; at < run.end; at += view.getUint32(at, true), txId++) {
        const known = committed[txId - 1];
        if (
          known === undefined ||
          known.low !== view.getUint32(at + 40, true) ||
          known.high !== view.getUint32(at + 44, true)
        )
          this.findings.add('CommittedPrefix', `${name} holds another record ${txId} than the group`);
      }
    }
    const last = disk.runs[disk.runs.length - 1]?.lastTxId ?? disk.base.txId;
    if (last !== committed.length)
      this.findings.add('CommittedPrefix', `${name} ends at record ${last}, the group at ${committed.length}`);
    this.checkTables(name, disk);
  }

  /** Members that are equal share it. */
  private foldedAt(txId: number): ReadonlyMap<string, string> {
    if (this.folded?.txId !== txId) this.folded = { txId, tables: foldRecords(this.ledger.records, txId) };
    return this.folded.tables;
  }

  private checkTables(name: string, disk: Machine['disk']): void {
    const folded = this.foldedAt(disk.appliedTxId);
    let count = 0;
    for (const [tableId, table] of disk.tables) {
      for (const { key, value } of table.range()) {
        count++;
        const entry = entryName(tableId, key);
        if (folded.get(entry) !== hex(value))
          this.findings.add(
            'FoldEquality',
            `entry ${entry} of ${name} is ${hex(value)}, should be ${folded.get(entry)}`,
          );
      }
    }
    if (count !== folded.size)
      this.findings.add(
        'FoldEquality',
        `the tables of ${name} have ${count} entries at record ${disk.appliedTxId}, should have ${folded.size}`,
      );
  }
}

const TIMERS = 0xff03;

function describeOutputs(outputs: readonly ExpectedOutput[]): string {
  return outputs
    .map(({ number, part, balance, total, digest }) => `${number}.${part} ${balance} ${total} ${digest}`)
    .join('; ');
}
