import { NO_HASH, type CopiedEntry, type CopySnapshot, type Store } from '@aep/store';
import { LINK_HIGH_WATER_BYTES } from '@aep/net';
import type { DownstreamConnection } from '../link/downstream.js';
import { encodeEntries } from '../link/frames.js';
import type { RecordSource } from './record-feed.js';
import { hashAt } from './record-hashes.js';
import { epochOfRecordBefore } from './record-epochs.js';

/** Small ones take their time by number: so many hold the event loop for about a millisecond. */
const CHUNK_ENTRIES_MAX = 500;
/** An entry takes its receiver as long as so much of the journal: it is put into a tree. */
const ENTRY_COST_BYTES = 256;

export interface CopyOutParts {
  readonly store: Store;
  readonly snapshot: CopySnapshot;
  readonly source: RecordSource;
  readonly connection: DownstreamConnection;
  readonly chunkBytesMax: number;
  /** Chunks that the follower has not put into its tables yet. */
  readonly windowChunks: number;
  /** A chunk has gone, and there may be more: call {@link CopyOut.nextTurn} in a later turn. */
  readonly onSent: (entries: number, bytes: number) => void;
  /** All entries are there; records after `baseTxId` follow. */
  readonly onDone: (baseTxId: number) => void;
}

/**
 * Sends the tables as of one moment (H12), a chunk at a time, at the pace at which the follower writes them. The journal that
 * goes with them is all that the primary keeps: whatever somebody may still ask of it after a failover — messages in doubt,
 * change readers, the replay of an event-sourced application — the new member has too.
 */
export class CopyOut {
  entryCount = 0;
  /** What the tables that are copied hold. */
  readonly appliedTxId: number;
  private readonly baseTxId: number;
  private sentChunks = 0;
  private takenChunks = 0;
  private last: CopiedEntry | undefined;
  private hasEnded = false;
  private isClosed = false;
  private isBegun = false;
  private isTurnUsed = false;

  constructor(private readonly parts: CopyOutParts) {
    this.baseTxId = parts.source.kept.firstTxId - 1;
    this.appliedTxId = parts.snapshot.appliedTxId;
  }

  start(): void {
    const { store, source, connection } = this.parts;
    const { journal, identity } = store;
    const txId = this.baseTxId;
    connection.copyBegin({
      incarnation: identity.incarnation,
      base: {
        txId,
        hash: hashAt(source, txId) ?? NO_HASH,
        epoch: epochOfRecordBefore(journal, txId + 1),
        confirmedTxId: Math.min(journal.confirmedTxId, txId),
      },
      appliedTxId: this.appliedTxId,
    });
  }

  /** The follower has made its store, and so many chunks are in it. */
  taken(chunkCount: number): void {
    this.isBegun = true;
    this.takenChunks = chunkCount;
    this.pump();
  }

  nextTurn(): void {
    this.isTurnUsed = false;
    this.pump();
  }

  /** One chunk a turn: reading it takes a while, and the primary's own work is to come in between. */
  pump(): void {
    const { connection, windowChunks } = this.parts;
    if (!this.isBegun || this.isClosed || this.isTurnUsed) return;
    if (!this.hasEnded && this.sentChunks - this.takenChunks < windowChunks) {
      if (connection.bufferedBytes >= LINK_HIGH_WATER_BYTES) return;
      const chunk = this.nextChunk();
      if (chunk.length === 0) this.hasEnded = true;
      else {
        this.sentChunks++;
        const bytes = encodeEntries(chunk);
        connection.copyChunk(bytes);
        this.isTurnUsed = true;
        this.parts.onSent(chunk.length, Math.max(bytes.length, chunk.length * ENTRY_COST_BYTES));
      }
    }
    if (this.hasEnded && this.takenChunks === this.sentChunks) this.parts.onDone(this.baseTxId);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.parts.snapshot.close();
  }

  private nextChunk(): CopiedEntry[] {
    const { snapshot, chunkBytesMax } = this.parts;
    const chunk: CopiedEntry[] = [];
    let bytes = 0;
    for (const entry of snapshot.entries(this.last)) {
      chunk.push(entry);
      this.last = entry;
      bytes += entry.key.length + entry.value.length;
      if (bytes >= chunkBytesMax || chunk.length === CHUNK_ENTRIES_MAX) break;
    }
    this.entryCount += chunk.length;
    return chunk;
  }
}
