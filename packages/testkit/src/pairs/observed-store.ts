import type { JournalListener, Stable, Store } from '@aep/store';
import type { MachineLife } from './machine.js';
import type { WorldObserver } from './observer.js';

/** The store of an engine with an observer at its journal: what is appended, and what the engine is told of it. */
export function observedStore(store: Store, life: MachineLife, observer: WorldObserver): Store {
  const { journal } = store;
  const observed = Object.create(journal, {
    append: {
      value: (bytes: Uint8Array, length: number, at?: number) => {
        const result = journal.append(bytes, length, at);
        const { appended } = journal;
        if (result === 'accepted') observer.onAppend?.(life, { bytes: appended.bytes, start: appended.start, length });
        return result;
      },
    },
    listen: {
      value: (listener: JournalListener) =>
        journal.listen({
          onStable: (mark: Stable) => {
            observer.onStable?.(life, mark.txId);
            listener.onStable(mark);
          },
          onFailure: (cause) => {
            listener.onFailure(cause);
            observer.onJournalFailure?.(life, cause);
          },
        }),
    },
  }) as Store['journal'];
  return Object.create(store, { journal: { value: observed } }) as Store;
}
