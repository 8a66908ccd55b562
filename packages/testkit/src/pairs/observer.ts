import type { GroupRecord, MarkName } from '@aep/cluster';
import type { Delivery, Outbound } from '@aep/bus';
import type { AepError } from '@aep/kernel';
import type { Store } from '@aep/store';
import type { BrokerMessage } from './broker.js';
import type { MachineLife } from './machine.js';

/**
 * What can be seen of a world while it runs, for checkers and for the trace. Called in the middle of what it tells of: an
 * observer looks and notes, it changes nothing.
 */
export interface WorldObserver {
  onRegister?(record: GroupRecord): void;
  onMark?(life: MachineLife, mark: MarkName): void;
  /** A member has made its process the primary: this is the store that its engine gets. */
  onEngineStart?(life: MachineLife, store: Store): void;
  /** An engine's record was taken, `bytes[start, start + length)`. */
  onAppend?(
    life: MachineLife,
    record: { readonly bytes: Uint8Array; readonly start: number; readonly length: number },
  ): void;
  /** An engine is told that the group has the records up to here; it has not heard of it yet. */
  onStable?(life: MachineLife, txId: number): void;
  /** An engine is told that its journal has failed or is not its any more; it has heard of it. */
  onJournalFailure?(life: MachineLife, cause: AepError): void;
  /** An engine hands a message to its bus. */
  onSend?(life: MachineLife, outbound: Outbound): void;
  /** An engine gives a delivery back to its bus. */
  onAcknowledge?(life: MachineLife, delivery: Delivery): void;
  /** The broker has taken a message that an engine sent. */
  onReceived?(message: BrokerMessage): void;
  /** A member's process has ended by itself or was killed. */
  onEnd?(life: MachineLife, cause: AepError | undefined, wasKilled: boolean): void;
}
