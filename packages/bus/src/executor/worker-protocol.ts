import type { EncodedResult, ExecutorTask } from './task.js';

export interface WorkerSetup {
  readonly moduleUrl: string;
  readonly exportName: string;
}

export type ToWorker = { readonly kind: 'task'; readonly task: ExecutorTask };

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'result'; readonly result: EncodedResult | undefined }
  | { readonly kind: 'error'; readonly reason: string };
