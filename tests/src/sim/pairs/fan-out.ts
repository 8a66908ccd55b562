import type { WorldObserver } from '@aep/testkit/pairs';

type Name = keyof WorldObserver;

const NAMES: readonly Name[] = [
  'onRegister',
  'onMark',
  'onEngineStart',
  'onAppend',
  'onStable',
  'onJournalFailure',
  'onSend',
  'onAcknowledge',
  'onReceived',
  'onEnd',
];

/** One observer that tells several, in their order. */
export function fanOut(observers: readonly WorldObserver[]): WorldObserver {
  const all: Partial<Record<Name, (...args: never[]) => void>> = {};
  for (const name of NAMES) {
    const calls = observers.filter((observer) => observer[name] !== undefined);
    all[name] = (...args: never[]) => {
      for (const observer of calls) (observer[name] as (...given: never[]) => void)(...args);
    };
  }
  return all;
}
