import { MessageChannel } from 'node:worker_threads';
import { AepError, type Clock, type Random, VirtualClock } from '@aep/kernel';
import type { BusDescription, BusProvider, ChannelDescription, Subscriber } from '../binding-contract.js';

/** How time passes in a run of the suite. */
export interface HarnessTime {
  readonly clock: Clock;
  /** Lets events happen until the condition holds. @throws AEP_CONTRACT_TIMEOUT when it does not for too long */
  until(condition: () => boolean, what: string): Promise<void>;
  /** Lets this much time pass. */
  pass(durationMs: number): Promise<void>;
}

/** One fresh world per test: what an implementor of a bus hands to `busContract`. */
export interface BusHarness extends HarnessTime {
  readonly random: Random;
  /** The provider as the process of this app has it; the same object for all when the bus lives in one process. */
  providerFor(app: string): BusProvider;
  /** The bus as the apps `a` … `d` see it, with {@link contractChannels} and this roster. */
  describeBus(roster: readonly Subscriber[]): BusDescription;
  /** After the bindings of a test are closed. */
  dispose(): Promise<void>;
}

export type BusHarnessFactory = () => BusHarness | Promise<BusHarness>;

/** Apps that a scenario may use: enough for a harness to reserve addresses. */
export const contractApps = ['a', 'b', 'c', 'd'] as const;

export const contractChannels: readonly ChannelDescription[] = [
  { name: 'orders', id: 1, qos: 'Guaranteed', properties: {} },
  { name: 'ticks', id: 2, qos: 'BestEffort', properties: {} },
  { name: 'events', id: 3, qos: 'Guaranteed', properties: {} },
];

const VIRTUAL_STEPS_MAX = 2_000_000;
const VIRTUAL_WAIT_MAX_MS = 600_000;
const REAL_WAIT_MAX_MS = 10_000;

/** Virtual time: events run one by one, and waiting costs nothing. */
export function virtualTime(clock: VirtualClock): HarnessTime {
  return {
    clock,
    until(condition, what) {
      const startedMs = clock.monotonicMs();
      for (let steps = 0; !condition(); steps++) {
        const isStuck = steps > VIRTUAL_STEPS_MAX || clock.monotonicMs() - startedMs > VIRTUAL_WAIT_MAX_MS;
        if (isStuck || !clock.runNext()) return Promise.reject(timedOut(what));
      }
      return Promise.resolve();
    },
    pass(durationMs) {
      clock.advance(durationMs);
      return Promise.resolve();
    },
  };
}

/** Real time, for buses with real sockets. */
export function realTime(clock: Clock): HarnessTime {
  const pass = (durationMs: number): Promise<void> =>
    new Promise((resolve) => {
      // The clock's timers do not keep the process alive; an open port with a listener does.
      const { port1 } = new MessageChannel();
      port1.on('message', () => {});
      clock.schedule(durationMs, () => {
        port1.close();
        resolve();
      });
    });
  return {
    clock,
    async until(condition, what) {
      const deadlineMs = clock.monotonicMs() + REAL_WAIT_MAX_MS;
      while (!condition()) {
        if (clock.monotonicMs() > deadlineMs) throw timedOut(what);
        await pass(1);
      }
    },
    pass,
  };
}

function timedOut(what: string): AepError {
  return new AepError('AEP_CONTRACT_TIMEOUT', 'reject', `bus contract: waited in vain until ${what}`, { what });
}
