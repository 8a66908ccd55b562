import type { MemberStatus, Presence } from '@aep/cluster';
import type { Engine, StopReport } from '@aep/engine';
import type { AepError } from '@aep/kernel';

/** One app of a process: alone with its engine, or as a member of a group whose primary runs it. */
export interface AppUnit {
  readonly name: string;
  readonly autoStart: boolean;
  /** The engine that runs; before and between its lives as primary, a member's next one. */
  readonly engine: Engine;
  /** As the engine's; a member that follows is `started` as well. */
  readonly state: string;
  readonly role: string;
  /** Settles when the app has stopped for good, whoever asked for it. */
  readonly stopped: Promise<StopReport>;
  /** Resolves when the app is up: its engine is active, or it follows the one that is. Once. */
  start(): Promise<void>;
  /** A second call answers the first one's promise. */
  stop(cause: AepError | undefined, deadlineMs: number): Promise<StopReport>;
  /** Undefined when it is in no group. */
  readonly group: GroupUnit | undefined;
}

/** What can be asked of a member of a group. */
export interface GroupUnit {
  status(): MemberStatus;
  /** How often each event has happened (H21). */
  readonly eventCounts: ReadonlyMap<string, number>;
  /** Who has announced itself to the group lately. @throws AEP_ARBITER_UNAVAILABLE and others of the arbiter */
  present(): Promise<readonly Presence[]>;
  /**
   * Hands the group over in order (H8); resolves when the other member is the primary in the register.
   *
   * @param name of a listed member. @default the only other one
   * @throws AEP_CLUSTER_SWITCH_REFUSED and others of the cluster
   */
  switchTo(name: string | undefined): Promise<void>;
  /** Makes this member the primary although the register does not list it (H9). What it lacks is lost. */
  promoteUnsafe(): Promise<void>;
}
