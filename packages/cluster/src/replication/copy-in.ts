import type { AepError } from '@aep/kernel';
import type { CopiedEntry, StoreInTheMaking } from '@aep/store';
import { type CopyHead, decodeEntries } from '../link/frames.js';

export interface CopyInParts {
  readonly making: StoreInTheMaking;
  readonly head: CopyHead;
  /** So many chunks are in the tables. */
  readonly onTaken: (chunkCount: number) => void;
  /** The store is an ordinary one, durably. */
  readonly onComplete: () => void;
  readonly onFailure: (error: AepError) => void;
}

/**
 * The store of a member on its way: entries of the tables first, then records; it is complete when the journal has come to the
 * record up to which the tables hold everything. Until then it counts for nothing: an interrupted one is made anew (H12).
 */
export class CopyIn {
  private readonly chunks: Uint8Array[] = [];
  private isPutting = false;
  private taken = 0;
  private hasEnd = false;
  private durableTxId: number;
  private phase: 'filling' | 'completing' | 'complete' | 'closed' = 'filling';

  private whenCompleted: (() => void) | undefined;

  constructor(private readonly parts: CopyInParts) {
    this.durableTxId = parts.head.base.txId;
  }

  get isComplete(): boolean {
    return this.phase === 'complete';
  }

  /** What may be acknowledged: nothing that would make the primary list a member whose store does not count yet. */
  acknowledgeable(durableTxId: number): number | undefined {
    const { base, appliedTxId } = this.parts.head;
    if (this.isComplete) return durableTxId;
    return appliedTxId - 1 > base.txId ? Math.min(durableTxId, appliedTxId - 1) : undefined;
  }

  /** @throws AEP_LINK_PROTOCOL */
  chunk(bytes: Uint8Array, start: number, end: number): void {
    if (this.phase !== 'filling') return;
    this.chunks.push(bytes.subarray(start, end));
    this.put();
  }

  /** That were all entries. */
  end(): void {
    this.hasEnd = true;
    this.look();
  }

  /** Records up to here are durable. */
  durable(txId: number): void {
    this.durableTxId = txId;
    this.look();
  }

  /** The link has ended before the copy has: what there is, is given up. */
  abandon(done: () => void): void {
    const giveUp = (): void => this.parts.making.abandon(done);
    // Not while it is being completed: the end of that would find another store in its place.
    if (this.phase === 'completing') this.whenCompleted = giveUp;
    else giveUp();
    this.phase = 'closed';
  }

  /** All that has come: each write costs two syncs, on a disk that the primary may be waiting for. */
  private put(): void {
    if (this.isPutting) return;
    if (this.chunks.length === 0) return this.look();
    const entries: CopiedEntry[] = [];
    let count = 0;
    for (const chunk of this.chunks) {
      if (count > 0 && entries.length >= PUT_ENTRIES_MAX) break;
      entries.push(...decodeEntries(chunk, 0, chunk.length));
      count++;
    }
    this.isPutting = true;
    this.parts.making.put(entries, (error) => {
      this.isPutting = false;
      if (this.phase !== 'filling') return;
      if (error !== undefined) return this.parts.onFailure(error);
      this.chunks.splice(0, count);
      this.taken += count;
      this.parts.onTaken(this.taken);
      this.put();
    });
  }

  private look(): void {
    const { head, making, onComplete, onFailure } = this.parts;
    if (this.phase !== 'filling' || !this.hasEnd || this.isPutting || this.chunks.length > 0) return;
    if (this.durableTxId < head.appliedTxId) return;
    this.phase = 'completing';
    making.complete(head.appliedTxId, (error) => {
      if (this.phase !== 'completing') return this.whenCompleted?.();
      // Over before anybody is told: a failure gives the copy up from inside the call.
      this.phase = error === undefined ? 'complete' : 'closed';
      if (error === undefined) onComplete();
      else onFailure(error);
    });
  }
}

/** They hold the event loop for some milliseconds. */
const PUT_ENTRIES_MAX = 4_096;
