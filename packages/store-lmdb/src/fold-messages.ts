import type { Facts } from '@aep/kernel';

/** What the folding thread is started with. */
export interface FoldSettings {
  readonly path: string;
  readonly mapSizeBytes: number;
  readonly noSync: boolean;
}

/** To the folding thread: how far the tables are to be brought, or that it is to end. */
export type FoldRequest = { readonly toTxId: number } | 'end';

/** From the folding thread. */
export type FoldAnswer = 'ready' | { readonly entries: number } | { readonly failure: FoldFailure };

/** Errors lose their class and fields on the way between threads. */
export interface FoldFailure {
  /** Undefined when the error has no code: it is lmdb's. */
  readonly code: string | undefined;
  readonly message: string;
  readonly facts: Facts;
}
