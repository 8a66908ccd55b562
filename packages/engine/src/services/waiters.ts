import type { AepError } from '@aep/kernel';
import type { EngineCore } from '../engine-core.js';

interface Waiter {
  readonly isDone: (core: EngineCore) => boolean;
  readonly endsWithStop: boolean;
  readonly resolve: () => void;
  readonly reject: (error: AepError) => void;
}

/** Whoever waits for an engine to become idle or to have room; asked again after each turn. */
export class Waiters {
  private waiting: Waiter[] = [];

  /** @param endsWithStop nothing that happens after the beginning of a stop can be of use to the waiter */
  add(isDone: (core: EngineCore) => boolean, endsWithStop: boolean): Promise<void> {
    return new Promise((resolve, reject) => this.waiting.push({ isDone, endsWithStop, resolve, reject }));
  }

  look(core: EngineCore): void {
    if (this.waiting.length === 0) return;
    const open = this.waiting;
    this.waiting = [];
    for (const waiter of open) {
      if (waiter.isDone(core)) waiter.resolve();
      else this.waiting.push(waiter);
    }
  }

  /** Room may never come on a full disk: a main that waits for it must not hold the stop. */
  stopBegins(error: AepError): void {
    this.reject(error, ({ endsWithStop }) => endsWithStop);
  }

  stopEnds(error: AepError): void {
    this.reject(error, () => true);
  }

  private reject(error: AepError, isMeant: (waiter: Waiter) => boolean): void {
    const meant = this.waiting.filter(isMeant);
    this.waiting = this.waiting.filter((waiter) => !isMeant(waiter));
    for (const waiter of meant) waiter.reject(error);
  }
}
