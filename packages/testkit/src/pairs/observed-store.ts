import type { Journal, JournalListener, Stable, Store } from '@aep/store';
import type { MachineLife } from './machine.js';
import type { WorldObserver } from './observer.js';

type Watched = Pick<Writable<Journal>, 'append' | 'listen'>;

/**
 * Puts an observer at the journal of an engine's store: what is appended, and what the engine is told of it. In place: one object
 * in front of each journal would be of a kind of its own every time, and slow everything that touches it.
 */
export function observeStore({ journal }: Store, life: MachineLife, observer: WorldObserver): void {
  const append = journal.append.bind(journal);
  const listen = journal.listen.bind(journal);
  const watched: Watched = journal;
  watched.append = (bytes, length, at) => {
    const result = append(bytes, length, at);
    const { appended } = journal;
    if (result === 'accepted') observer.onAppend?.(life, { bytes: appended.bytes, start: appended.start, length });
    return result;
  };
  watched.listen = (listener) => listen(observed(listener, life, observer));
}

function observed(listener: JournalListener, life: MachineLife, observer: WorldObserver): JournalListener {
  return {
    onStable: (mark: Stable) => {
      observer.onStable?.(life, mark.txId);
      listener.onStable(mark);
    },
    onFailure: (cause) => {
      listener.onFailure(cause);
      observer.onJournalFailure?.(life, cause);
    },
  };
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
