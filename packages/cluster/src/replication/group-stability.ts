import { assert } from '@aep/kernel';

/**
 * What is stable in the group (H2): durable here, and acknowledged as durable by every member that is counted. The mark only
 * grows. Whom to count is the business of the primary role; nobody stops being counted before the register says so.
 */
export class GroupStability {
  protected mark: number;
  protected localTxId: number;
  protected readonly counted = new Map<string, number>();

  /**
   * @param knownTxId what is known to be stable already
   * @param localTxId what is durable here
   */
  constructor(
    knownTxId: number,
    localTxId: number,
    protected readonly onMark: (txId: number) => void,
  ) {
    this.mark = knownTxId;
    this.localTxId = localTxId;
  }

  get markTxId(): number {
    return this.mark;
  }

  countedNames(): string[] {
    return [...this.counted.keys()];
  }

  /** What this member has acknowledged; 0 when nothing is known of it in this life of the primary. */
  ackedTxId(name: string): number {
    return this.counted.get(name) ?? 0;
  }

  /** From now on nothing becomes stable without this member. What it has acknowledged on an earlier link still holds: it was durable. */
  count(name: string, ackedTxId: number): void {
    this.counted.set(name, Math.max(ackedTxId, this.counted.get(name) ?? 0));
  }

  uncount(name: string): void {
    if (this.counted.delete(name)) this.advance();
  }

  acked(name: string, txId: number): void {
    const before = this.counted.get(name);
    if (before === undefined || txId <= before) return;
    this.counted.set(name, txId);
    this.advance();
  }

  local(txId: number): void {
    assert(txId >= this.localTxId, 'what is durable on a primary is never cut');
    this.localTxId = txId;
    this.advance();
  }

  /** The least that any counted member has: the journal must keep what comes after it. */
  get lowestAckedTxId(): number {
    let lowest = Infinity;
    for (const txId of this.counted.values()) lowest = Math.min(lowest, txId);
    return lowest;
  }

  /** The counted member that holds the mark back most, for people; undefined when it is the disk here. */
  get slowest(): string | undefined {
    let slowest: string | undefined;
    let lowest = this.localTxId;
    for (const [name, txId] of this.counted) {
      if (txId >= lowest) continue;
      lowest = txId;
      slowest = name;
    }
    return slowest;
  }

  protected advance(): void {
    const next = Math.min(this.localTxId, this.lowestAckedTxId);
    if (next <= this.mark) return;
    this.mark = next;
    this.onMark(next);
  }
}
