import { NO_HASH } from './record-hash.js';
import type { StoreBase } from './store-maker.js';

/** What a medium knows when a journal is opened on it. */
export interface JournalPosition {
  readonly firstTxId: number;
  readonly lastTxId: number;
  readonly lastHash: { readonly low: number; readonly high: number };
  readonly lastEpoch: number;
  readonly confirmedTxId: number;
  readonly base: StoreBase;
}

/** The base of a journal that begins with record 1. */
export const NO_BASE: StoreBase = Object.freeze({ txId: 0, hash: NO_HASH, epoch: 0, confirmedTxId: 0 });

/** The position of a journal that has no record yet. */
export function positionAtBase(base: StoreBase, confirmedTxId: number): JournalPosition {
  const { txId, hash, epoch } = base;
  return {
    firstTxId: txId + 1,
    lastTxId: txId,
    lastHash: hash,
    lastEpoch: epoch,
    confirmedTxId: Math.max(confirmedTxId, base.confirmedTxId),
    base,
  };
}
