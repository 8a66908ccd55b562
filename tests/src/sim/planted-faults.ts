import { ALARM_FAULTS } from './planted-alarm-faults.js';
import { fault, type PlantedFault } from './planted-fault.js';

const DEDUPE = 'engine/dist/transaction/dedupe.js';
const IN_FLIGHT = 'engine/dist/transaction/in-flight.js';
const HAND_OVER = 'engine/dist/transaction/hand-over.js';
const SEQUENCER = 'engine/dist/transaction/sequencer.js';
const OPEN_TRANSACTION = 'engine/dist/transaction/open-transaction.js';
const GROUP_COMMIT = 'store/dist/group-commit.js';

/** Faults of what an engine takes in. */
const INBOUND: readonly PlantedFault[] = [
  fault('duplicates are handled', ['EffectOnce', 'SenderOrder'], [DEDUPE, 'StreamMarks', 'classify'], (original) => {
    return function (metadata) {
      const verdict = original.call(this, metadata);
      return verdict === 'duplicate' ? 'new' : verdict;
    };
  }),
  fault('dedupe marks are not restored', ['EffectOnce'], [DEDUPE, 'StreamMarks', 'load'], () => () => {
    return { incarnation: 0, sno: 0, channelSno: 0, txId: 0 };
  }),
  fault(
    'the dedupe mark is not in the record',
    ['Atomicity', 'EffectOnce'],
    ['store/dist/record-writer.js', 'RecordWriter', 'inboundCause'],
    () => {
      return function () {
        this.localCause(2, 'somebody');
      };
    },
  ),
  fault(
    'messages are acknowledged when they come in',
    ['NoLostInput'],
    ['engine/dist/engine-core.js', 'EngineCore', 'onDelivery'],
    (original) => {
      return function (port, delivery) {
        const result = original.call(this, port, delivery);
        if (result === 'accepted') acknowledgeNow(this.inbound.at(this.inbound.size - 1));
        return result;
      };
    },
  ),
  fault(
    'messages are acknowledged before they are stable',
    ['NoLostInput'],
    [HAND_OVER, 'HandOver', 'sealed'],
    (original) => {
      return function (work) {
        original.call(this, work);
        acknowledgeNow(work);
      };
    },
  ),
  // Not here: a duplicate that is acknowledged before its original is stable. A binding asserts that deliveries are
  // acknowledged in order, so the process dies of it and loses nothing.
];

/** Ends the delivery of an event at once, whatever its transaction is waiting for. */
// oxlint-disable-next-line typescript/no-explicit-any
function acknowledgeNow(work: any): void {
  if (work?.delivery === undefined) return;
  const { delivery } = work;
  // What is acknowledged is given back to the bus, and the rest of the pipeline still needs it.
  work.delivery = { ...delivery, metadata: { ...delivery.metadata } };
  work.port.bus.binding.acknowledge(delivery);
  // Once is enough.
  work.port = Object.create(work.port, { bus: { value: { binding: undefined, name: work.port.bus.name } } });
}

/** Faults of what an engine sends out. */
const OUTBOUND: readonly PlantedFault[] = [
  fault(
    'sends are released before they are stable',
    ['StableBeforeRelease', 'NoLostInput'],
    [HAND_OVER, 'HandOver', 'sealed'],
    (original) => {
      return function (work) {
        original.call(this, work);
        this.parts.inFlight.onStable({ txId: this.parts.journal.lastTxId });
      };
    },
  ),
  fault('the client is told before it is stable', ['NoLostInput'], [IN_FLIGHT, 'InFlight', 'push'], (original) => {
    return function (transaction) {
      original.call(this, transaction);
      this.callBack(transaction);
    };
  }),
  fault(
    'messages in doubt are not sent again',
    ['NoLostInput'],
    [IN_FLIGHT, 'InFlight', 'pushInDoubt'],
    () => () => undefined,
  ),
  fault(
    'messages count as confirmed when they are stable',
    ['NoLostInput'],
    [IN_FLIGHT, 'InFlight', 'onStable'],
    (original) => {
      return function (mark) {
        original.call(this, mark);
        this.options.listener.onConfirmedUpTo(mark.txId);
      };
    },
  ),
  fault(
    'messages of a lost connection are forgotten',
    ['NoLostInput'],
    ['bus-direct/dist/outbound-peer.js', 'OutboundPeer', 'resetQueue'],
    (original) => {
      return function () {
        for (let entry = this.queue.acknowledge(); entry !== undefined; entry = this.queue.acknowledge())
          this.owner.onEntryDone(entry, true);
        original.call(this);
      };
    },
  ),
  fault(
    'sends change places',
    ['NoLostInput', 'SenderOrder'],
    ['engine/dist/messaging/bus-port.js', 'BusPort', 'release'],
    (original) => {
      return function (outbound) {
        if (this.held === undefined && outbound.metadata.sno % 5 === 0) {
          this.held = outbound;
          return;
        }
        original.call(this, outbound);
        if (this.held !== undefined) original.call(this, this.held);
        this.held = undefined;
      };
    },
  ),
  fault('numbers of sends are not restored', ['OutboundOnce'], [SEQUENCER, 'Sequencer', 'read'], () => () => 0),
  fault(
    'numbers of a transaction that could not be sealed are not taken back',
    ['OutboundOnce'],
    [SEQUENCER, 'Sequencer', 'takeBack'],
    () => () => undefined,
  ),
  fault(
    'idempotency keys are ignored',
    ['EffectOnce'],
    ['engine/dist/services/idempotency-keys.js', 'IdempotencyKeys', 'remember'],
    () => () => true,
  ),
];

/** Faults of transactions. */
const TRANSACTIONS: readonly PlantedFault[] = [
  fault('sends survive a rollback', ['Atomicity'], [OPEN_TRANSACTION, 'OpenTransaction', 'rollback'], () => {
    return function () {
      this.state?.rollback();
      this.end();
    };
  }),
  fault(
    'state changes survive a rollback',
    ['EffectOnce', 'Atomicity'],
    ['state/dist/undo-log.js', 'UndoLog', 'record'],
    () => () => undefined,
  ),
  fault(
    'a poison message is dropped without a dead letter',
    ['NoLostInput'],
    ['engine/dist/transaction/failures.js', 'Failures', 'ofHandler'],
    (original) => {
      return function (...args) {
        const verdict = original.apply(this, args);
        return verdict.action.kind === 'quarantine' ? { ...verdict, action: { kind: 'continue' } } : verdict;
      };
    },
  ),
];

/** Faults of the store and of what brings the tables behind it. */
const STORAGE: readonly PlantedFault[] = [
  fault(
    'records are called stable before the sync',
    ['NoLostInput', 'StableBeforeRelease', 'CommittedPrefix'],
    ['store/dist/memory-journal.js', 'MemoryJournal', 'write'],
    (original) => {
      return function (batch) {
        const { disk } = this;
        const before = disk.runs.length;
        original.call(this, batch);
        this.clock.defer(() => {
          if (this.inFlight === batch && disk.runs.length === before) this.committed();
        });
      };
    },
  ),
  fault(
    'a failed sync is called good',
    ['NoLostInput', 'StableBeforeRelease', 'CommittedPrefix'],
    [GROUP_COMMIT, 'GroupCommitJournal', 'fail'],
    () => {
      return function () {
        this.committed();
      };
    },
  ),
  fault(
    'the tables run ahead of the journal',
    ['CommittedPrefix'],
    ['store/dist/checkpointer.js', 'Checkpointer', 'append'],
    (original) => {
      return function (txId, ...rest) {
        original.call(this, txId, ...rest);
        this.onStable({ txId });
        this.flush(() => undefined);
      };
    },
  ),
  fault(
    'a checkpoint leaves out a change',
    ['FoldEquality', 'EffectOnce'],
    ['store/dist/change-map.js', 'ChangeMap', 'put'],
    (original) => {
      return function (reader) {
        if (reader.txId % 5 !== 0) original.call(this, reader);
      };
    },
  ),
  fault(
    'the position of the tables moves before their changes',
    ['FoldEquality'],
    ['store/dist/memory-tables.js', 'MemoryTables', 'apply'],
    (original) => {
      return function (changes, appliedTxId, done) {
        const result = original.call(this, changes, appliedTxId, done);
        if (result === 'accepted') this.disk.appliedTxId = appliedTxId;
        return result;
      };
    },
  ),
  fault(
    'a damaged record is read as if it were whole',
    ['FailStop'],
    ['store/dist/record-reader.js', 'RecordReader', 'open'],
    () => {
      return function (bytes, start = 0) {
        return this.openTrusted(bytes, start);
      };
    },
  ),
  fault(
    'nobody looks whether records follow each other',
    ['FailStop'],
    ['store/dist/record-reader.js', 'RecordReader', 'checkFollows'],
    () => () => undefined,
  ),
];

export const PLANTED_FAULTS: readonly PlantedFault[] = [
  ...INBOUND,
  ...OUTBOUND,
  ...TRANSACTIONS,
  ...STORAGE,
  ...ALARM_FAULTS,
];
