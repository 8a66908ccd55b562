import type { MemberStatus } from '@aep/cluster';
import type { EngineStatistics, StopReport } from '@aep/engine';
import type { AepError } from '@aep/kernel';

/**
 * - `starting`: apps are being started, receivers before senders.
 * - `started`: every app that starts with the process is up.
 * - `stopping`: apps are being stopped, senders before receivers.
 * - `stopped`: for good.
 */
export type XvmState = 'starting' | 'started' | 'stopping' | 'stopped';

export interface AppStatus {
  readonly name: string;
  readonly state: string;
  readonly messaging: string;
  readonly role: string;
  /** False: it waits for `startApp`. */
  readonly autoStart: boolean;
  readonly statistics: EngineStatistics;
  /** Of a member of a group: what it knows of the group, and how often each event has happened (H21). */
  readonly group?: MemberStatus & { readonly events: Readonly<Record<string, number>> };
}

export interface XvmStatus {
  readonly xvm: string;
  readonly state: XvmState;
  readonly pid: number;
  readonly startedAtMs: number;
  readonly uptimeMs: number;
  readonly apps: readonly AppStatus[];
}

export interface XvmStopReport {
  /** Why the process stopped; undefined when somebody asked for it. */
  readonly cause: AepError | undefined;
  /** Every app handled what it had accepted and was confirmed. */
  readonly drained: boolean;
  /** By app: what still held its stop at the deadline. */
  readonly heldBy: Readonly<Record<string, string>>;
  readonly apps: Readonly<Record<string, StopReport>>;
}
