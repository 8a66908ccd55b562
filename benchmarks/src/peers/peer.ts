import type { CaseContext, Figure } from '../case.js';

/** One way in which a peer does the job, and how fast it was. */
export interface PeerRate extends Figure {
  /** Whether what it acknowledged would survive a power loss: only then it is measured against. */
  readonly isSynced: boolean;
}

/**
 * Something else that does the job of the reference case: take an order, read all 12 fields, update the entity of its
 * account, publish an execution, acknowledge.
 */
export interface Peer {
  readonly name: string;
  /** What it does for that, and what of it is synced when: said with its figures. */
  readonly says: string;
  /** @returns a text when it cannot run here */
  run(context: CaseContext): Promise<readonly PeerRate[] | string>;
}

/** Handles all items, at most `concurrency` at a time. */
export async function forEachConcurrently<Item>(
  items: readonly Item[],
  concurrency: number,
  handle: (item: Item) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) await handle(items[next++]!);
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
}

export function perSecond(count: number, startedMs: number): number {
  return Math.round((count / (performance.now() - startedMs)) * 1000);
}
