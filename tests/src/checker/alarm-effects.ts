import type { EngineImage } from './engine-image.js';
import { foldRecords } from './fold.js';
import { checkEngine, Findings, type Violation } from './invariants.js';
import type { JournalRecord } from './journal-record.js';
import { WireMessage } from './wire.js';

export interface AlarmExpectation {
  /** Lines that get an alarm. */
  readonly lines: readonly number[];
  /** Nothing is under way any more. */
  readonly isComplete: boolean;
  /** Notes in the state of an event-sourced engine that has just started; undefined for others. */
  readonly notes?: readonly string[] | undefined;
}

const TIMERS = 0xff03;
/**
 * Everything that can be said about an engine that sets alarms, from its disk: each alarm that was set rings once, in the
 * record that removes it; what a savepoint or an exception took back has left nothing; a replay remembers what was sent.
 */
export function checkAlarms(image: EngineImage, expected: AlarmExpectation): Violation[] {
  const found = new Findings(image.engine);
  const alarms = new Alarms(found);
  const notes: string[] = [];
  for (const record of image.records) {
    alarms.see(record);
    for (const { content } of record.outbound) {
      const event = new WireMessage(content);
      notes.push(`${event.number(1)} ${event.number(7)} ${event.text(4)}`);
    }
  }
  for (const line of expected.isComplete ? expected.lines : []) {
    if (!alarms.rung.has(`alarm ${line}`)) found.add('NoLostInput', `the alarm of line ${line} never rang`);
  }
  if (expected.notes === undefined) checkCounts(image, alarms, found);
  else checkNotes(notes, expected.notes, found);
  return [...checkEngine(image), ...found.violations];
}

/** Follows each alarm from the record that sets it to the one in which it rings. */
class Alarms {
  readonly rung = new Set<string>();
  set = 0;
  private readonly live = new Set<string>();

  constructor(private readonly found: Findings) {}

  see({ txId, label, changes, outbound }: JournalRecord): void {
    const timers = changes.filter(({ tableId }) => tableId === TIMERS);
    for (const { key, value } of timers) {
      const id = key.toString();
      if (value !== undefined) this.onSet(id, txId);
      else if (label === id) this.live.delete(id);
      else this.found.add('Atomicity', `record ${txId}: ${id} is removed by "${label}"`);
    }
    const isRinging = label?.startsWith('alarm ') === true || label?.startsWith('stray ') === true;
    if (isRinging) this.onRing(label, txId, timers.length);
    const isHandled = isRinging || timers.length > 0;
    if (isHandled && outbound.length !== 1)
      this.found.add('Atomicity', `record ${txId} sends ${outbound.length} events instead of one`);
  }

  private onSet(id: string, txId: number): void {
    if (!id.startsWith('alarm ')) this.found.add('Atomicity', `record ${txId} sets "${id}", which was taken back`);
    if (this.live.has(id) || this.rung.has(id)) this.found.add('EffectOnce', `record ${txId} sets "${id}" again`);
    this.live.add(id);
    this.set++;
  }

  private onRing(id: string, txId: number, timersChanged: number): void {
    if (this.rung.has(id)) this.found.add('EffectOnce', `record ${txId}: "${id}" rings again`);
    if (timersChanged === 0) this.found.add('Atomicity', `record ${txId}: "${id}" rings and is not removed`);
    this.rung.add(id);
  }
}

/** Field 2 of the root counts what was set, field 3 what rang. */
function checkCounts(image: EngineImage, { set, rung }: Alarms, found: Findings): void {
  const [root] = [...foldRecords(image.records, Infinity)].filter(([name]) => name.startsWith('0/'));
  const state = root === undefined ? undefined : new WireMessage(Buffer.from(root[1], 'hex'));
  const says = `${state?.number(2) ?? 0n} set, ${state?.number(3) ?? 0n} rung`;
  const is = `${set} set, ${rung.size} rung`;
  if (says !== is) found.add('EffectOnce', `the state says ${says}; in the journal are ${is}`);
}

function checkNotes(sent: readonly string[], notes: readonly string[], found: Findings): void {
  const at = sent.findIndex((note, index) => note !== notes[index]);
  if (at < 0 && sent.length === notes.length) return;
  const place = at < 0 ? sent.length : at;
  found.add(
    'FoldEquality',
    `${sent.length} events were sent, the replayed state knows ${notes.length}; event ${place} is "${sent[place]}", remembered as "${notes[place]}"`,
  );
}
