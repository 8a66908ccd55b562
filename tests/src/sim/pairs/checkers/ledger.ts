import type { GroupRecord, MemberRef } from '@aep/cluster';
import type { Machine, MachineLife, WorldObserver } from '@aep/testkit/pairs';
import type { Journal, Store } from '@aep/store';
import { decodeRun, type JournalRecord } from '../../../checker/journal-record.js';
import type { Plan } from '../plan.js';
import type { Findings } from './violation.js';

/** A record as it was seen outside of the stores: where it lies does not matter, what it says does. */
export interface SeenRecord {
  readonly txId: number;
  readonly epoch: number;
  /** Its own, which covers all before it. */
  readonly low: number;
  readonly high: number;
  readonly bytes: Uint8Array;
}

/**
 * What is known of a group from outside: which records engines have written, and which of them an engine was told to be stable
 * or took for the truth when it began. The latter are the group's for good: at every number there is only one, ever.
 */
export class Ledger implements WorldObserver {
  /** By txId - 1. */
  readonly committed: SeenRecord[] = [];
  /** With `acks: none`: released by a primary, and not of its successor's journal. */
  readonly lost: SeenRecord[] = [];
  /** How often the group's records have become others. */
  losses = 0;
  record: GroupRecord | undefined;
  /** Of the present engine of each process. */
  private readonly written = new Map<MachineLife, SeenRecord[]>();
  private readonly decoded: JournalRecord[] = [];

  constructor(
    private readonly machines: () => readonly Machine[],
    private readonly findings: Findings,
    private readonly plan: () => Plan,
  ) {}

  /** A takeover may lose records (H10). */
  get mayLose(): boolean {
    return this.plan().acks === 'none';
  }

  onRegister(record: GroupRecord): void {
    this.record = record;
    const last = this.committed[this.committed.length - 1];
    if (last !== undefined)
      this.checkHolders(last, `the register lists it in epoch ${record.epoch}`, 'CommittedPrefix');
  }

  onEngineStart(life: MachineLife, store: Store): void {
    this.written.set(life, []);
    const { journal } = store;
    const { machine } = life;
    if (machine.isDamaged) this.findings.add('FoldEquality', `${machine.name} begins as primary on a damaged disk`);
    // A deposed primary may begin before it hears of that; it lacks what came later, and must not have anything else.
    const isPrimary = isSame(this.record?.primary, machine) && this.record?.epoch === store.epoch;
    if (this.mayLose) {
      if (!isPrimary) return this.loseAllOf(journal);
      this.loseWhatIsNotAt(machine, journal.lastTxId);
    }
    const common = this.committed[Math.min(journal.lastTxId, this.committed.length) - 1];
    if (isPrimary && journal.lastTxId < this.committed.length)
      this.findings.add(
        'CommittedPrefix',
        `${machine.name} begins as primary with record ${journal.lastTxId}, ${this.committed.length} are stable`,
      );
    if (common !== undefined && !holds(machine, common))
      this.findings.add('CommittedPrefix', `${machine.name} begins as primary without stable record ${common.txId}`);
    for (const { bytes } of journal.read(Math.max(journal.firstTxId, this.committed.length + 1)))
      this.commit(seen(bytes, 0, bytes.length));
    const truth = this.committed[this.committed.length - 1];
    if (truth !== undefined && isPrimary)
      this.checkHolders(truth, `${machine.name} begins as primary`, 'StableBeforeRelease');
  }

  onAppend(life: MachineLife, { bytes, start, length }: { bytes: Uint8Array; start: number; length: number }): void {
    this.written.get(life)!.push(seen(bytes, start, length));
  }

  onStable(life: MachineLife, txId: number): void {
    const written = this.written.get(life)!;
    let last: SeenRecord | undefined;
    while (written.length > 0 && written[0]!.txId <= txId) {
      last = written.shift()!;
      if (this.mayLose) this.commitOrLose(life, last);
      else this.commit(last);
    }
    if (last === undefined) return;
    const isPrimary = this.record?.primary.name === life.machine.name;
    const what = `the engine of ${life.machine.name} is told that it is stable`;
    this.checkHolders(last, what, isPrimary ? 'StableBeforeRelease' : 'FencedZombie');
  }

  /** Appended by the present engine of this process and not yet stable. */
  unstable(life: MachineLife): number {
    return this.written.get(life)?.length ?? 0;
  }

  /** The stable records as an independent reader understands them. */
  get records(): readonly JournalRecord[] {
    for (let at = this.decoded.length; at < this.committed.length; at++)
      this.decoded.push(...decodeRun(Buffer.from(this.committed[at]!.bytes)));
    return this.decoded;
  }

  /** The journal of a primary that begins is the group's from here on. */
  private loseWhatIsNotAt(machine: Machine, lastTxId: number): void {
    const { committed, decoded } = this;
    let kept = Math.min(lastTxId, committed.length);
    while (kept > 0 && !holds(machine, committed[kept - 1]!)) kept--;
    if (kept === committed.length) return;
    this.lost.push(...committed.splice(kept));
    decoded.length = Math.min(decoded.length, kept);
    this.losses++;
  }

  /** It begins after its successor was registered, and releases what only it has until it hears of that. */
  private loseAllOf(journal: Journal): void {
    for (const { bytes } of journal.read(journal.firstTxId)) this.loseUnlessKnown(seen(bytes, 0, bytes.length));
  }

  /** A primary that does not know of its successor yet releases what is lost. */
  private commitOrLose({ machine }: MachineLife, record: SeenRecord): void {
    const { committed } = this;
    if (record.txId === committed.length + 1 && isSame(this.record?.primary, machine)) committed.push(record);
    else this.loseUnlessKnown(record);
  }

  private loseUnlessKnown(record: SeenRecord): void {
    const known = this.committed[record.txId - 1];
    if (known?.low !== record.low || known.high !== record.high) this.lost.push(record);
  }

  /** What an independent reader finds in records that were lost. */
  get lostRecords(): JournalRecord[] {
    return this.lost.flatMap(({ bytes }) => decodeRun(Buffer.from(bytes)));
  }

  private commit(record: SeenRecord): void {
    const known = this.committed[record.txId - 1];
    if (known === undefined) {
      if (record.txId !== this.committed.length + 1)
        this.findings.add(
          'CommittedPrefix',
          `record ${record.txId} is stable, but nobody has seen record ${this.committed.length + 1}`,
        );
      else this.committed.push(record);
    } else if (known.low !== record.low || known.high !== record.high)
      this.findings.add(
        'CommittedPrefix',
        `record ${record.txId} was stable in epoch ${known.epoch}, and is another one in epoch ${record.epoch}`,
      );
  }

  /** Whoever is listed may take over at any moment, so it must have what was released (H2, H3). */
  private checkHolders(
    record: SeenRecord,
    when: string,
    clause: 'CommittedPrefix' | 'StableBeforeRelease' | 'FencedZombie',
  ): void {
    if (this.mayLose) return;
    for (const { name, storeId } of this.record?.members ?? []) {
      const machine = this.machines().find((one) => one.name === name)!;
      // One that has lost its disk, or has to replace it, cannot take over.
      if (machine.disk.identity?.memberId !== storeId || machine.isDamaged || holds(machine, record)) continue;
      this.findings.add(
        clause,
        `${name} is listed in epoch ${this.record!.epoch} and does not hold record ${record.txId}: ${when}`,
      );
    }
  }
}

function isSame(ref: MemberRef | undefined, { name, disk }: Machine): boolean {
  return ref?.name === name && ref.storeId === disk.identity?.memberId;
}

function seen(bytes: Uint8Array, start: number, length: number): SeenRecord {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, length);
  return {
    txId: view.getUint32(12, true),
    epoch: view.getUint32(8, true),
    low: view.getUint32(40, true),
    high: view.getUint32(44, true),
    bytes: bytes.subarray(start, start + length),
  };
}

/** Whether a disk has this very record, durably; one that was trimmed counts as there. */
function holds({ disk }: Machine, { txId, low, high }: SeenRecord): boolean {
  if (!disk.isComplete) return false;
  if (txId <= disk.base.txId) return true;
  const run = disk.runs[disk.runIndex(txId)];
  if (run === undefined) return false;
  if (txId < run.firstTxId) return true;
  const view = new DataView(run.bytes.buffer, run.bytes.byteOffset);
  let at = run.start;
  for (let skip = run.firstTxId; skip < txId; skip++) at += view.getUint32(at, true);
  return view.getUint32(at + 40, true) === low && view.getUint32(at + 44, true) === high;
}
