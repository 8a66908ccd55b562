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
  const all: Partial<Record<Name, Call>> = {};
  for (const name of NAMES) {
    const calls = observers.filter((observer) => observer[name] !== undefined).map((observer) => bound(observer, name));
    // Three at most, and none of them an array: this runs with every record and message.
    all[name] = (first, second, third) => {
      for (let index = 0; index < calls.length; index++) calls[index]!(first, second, third);
    };
  }
  return all as WorldObserver;
}

type Call = (first: never, second: never, third: never) => void;

function bound(observer: WorldObserver, name: Name): Call {
  return (observer[name] as Call).bind(observer);
}
