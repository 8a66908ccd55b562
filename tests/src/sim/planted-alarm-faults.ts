import { fault, type PlantedFault } from './planted-fault.js';

const TIMERS = 'engine/dist/services/timers.js';
const EVENT_SOURCING = 'engine/dist/services/event-sourcing.js';
const REPLAY_STEP = 'engine/dist/replay/replay-step.js';
const OPEN_TRANSACTION = 'engine/dist/transaction/open-transaction.js';

/** Faults of timers. */
const TIMER_FAULTS: readonly PlantedFault[] = [
  fault('timers are not restored', ['NoLostInput'], [TIMERS, 'Timers', 'load'], () => () => undefined),
  fault(
    'a timer that has fired stays',
    ['Atomicity', 'EffectOnce'],
    [TIMERS, 'Timers', 'remove'],
    () => () => undefined,
  ),
  fault('delays follow the wall clock', ['Liveness'], [TIMERS, 'Timers', 'leftMs'], () => {
    return function (timer) {
      return timer.dueMs - this.clock.wallMs();
    };
  }),
  fault(
    'a timer runs although its transaction was rolled back',
    ['Atomicity', 'EffectOnce'],
    [TIMERS, 'Timers', 'put'],
    (original) => {
      return function (transaction, timer) {
        original.call(this, transaction, timer);
        this.timers.set(timer.id, timer);
        this.arm(timer);
      };
    },
  ),
];

/** Faults of savepoints. */
const SAVEPOINT_FAULTS: readonly PlantedFault[] = [
  fault(
    'a savepoint does not bring back the state',
    ['EffectOnce'],
    ['state/dist/change-tracker.js', 'ChangeTracker', 'rollbackTo'],
    () => () => undefined,
  ),
  fault(
    'sends and timers survive a savepoint',
    ['Atomicity'],
    [OPEN_TRANSACTION, 'OpenTransaction', 'rollbackTo'],
    () => {
      return function (savepoint) {
        if (savepoint.state !== undefined) this.state.rollbackTo(savepoint.state);
      };
    },
  ),
];

/** Faults of event sourcing. */
const SOURCING_FAULTS: readonly PlantedFault[] = [
  fault('a replay leaves out a message', ['FoldEquality'], [REPLAY_STEP, 'ReplayStep', 'run'], (original) => {
    return function (reader, ...rest) {
      return reader.txId % 5 === 0 ? false : original.call(this, reader, ...rest);
    };
  }),
  fault(
    'a replay begins before its snapshot',
    ['FoldEquality'],
    [EVENT_SOURCING, 'EventSourcing', 'loadSnapshot'],
    (original) => {
      return function () {
        const state = original.call(this);
        this.snapshotTxId = Math.max(0, this.snapshotTxId - 3);
        return state;
      };
    },
  ),
  fault('a replay has a time of its own', ['FoldEquality'], ['engine/dist/engine.js', 'Engine', 'now'], () => {
    return function () {
      return this.options.clock.wallMs();
    };
  }),
  fault(
    'a replay has chances of its own',
    ['FoldEquality'],
    [OPEN_TRANSACTION, 'OpenTransaction', 'nextRandom'],
    () => () => Math.random(),
  ),
];

export const ALARM_FAULTS: readonly PlantedFault[] = [...TIMER_FAULTS, ...SAVEPOINT_FAULTS, ...SOURCING_FAULTS];
