import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Tells whether code runs on behalf of the handler that the engine is waiting for. Sends of that handler are part of its
 * transaction; sends of other code that runs while an async handler waits are unsolicited (E40).
 *
 * The context store is entered only for handlers known to be asynchronous: synchronous ones pay nothing.
 */
export class HandlerScope {
  private readonly storage = new AsyncLocalStorage<true>();

  run<T>(call: () => T): T {
    return this.storage.run(true, call);
  }

  get isInside(): boolean {
    return this.storage.getStore() === true;
  }
}
