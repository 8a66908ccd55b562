import { AsyncLocalStorage } from 'node:async_hooks';

interface Entered {
  readonly scope: HandlerScope;
  readonly ordinal: number;
}

/** One for all engines: Node 20 walks through every storage there ever was at every promise, so one per engine would not do. */
const STORAGE = new AsyncLocalStorage<Entered>();

/**
 * Tells whether code runs on behalf of the handler that the engine is waiting for. Sends of that handler are part of its
 * transaction; sends of other code that runs while an async handler waits are unsolicited (E40).
 *
 * The context carries the ordinal of its transaction: what a handler left running (a timeout, a promise that nobody awaits)
 * is not taken for part of a later transaction. It is entered only for handlers that may be asynchronous: those known to
 * be synchronous pay nothing.
 */
export class HandlerScope {
  run<T>(ordinal: number, call: () => T): T {
    return STORAGE.run({ scope: this, ordinal }, call);
  }

  isInside(ordinal: number): boolean {
    const entered = STORAGE.getStore();
    return entered?.scope === this && entered.ordinal === ordinal;
  }

  /** For the engine's own work that a handler sets off: it must not run in the handler's name. */
  outside(call: () => void): void {
    if (STORAGE.getStore() === undefined) call();
    else STORAGE.exit(call);
  }
}
