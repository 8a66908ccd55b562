/*
 * What the admin server of an xvm sends, as far as commands read it. Not the host's own types: the xvm may be of another
 * version, so everything that is not needed is optional here.
 */

export interface XvmStatusJson {
  readonly xvm: string;
  readonly state: string;
  readonly pid?: number;
  readonly uptimeMs?: number;
  readonly apps: readonly AppStatusJson[];
}

export interface AppStatusJson {
  readonly name: string;
  readonly state: string;
  readonly messaging: string;
  readonly role: string;
  readonly statistics: StatisticsJson;
}

export interface StatisticsJson {
  readonly lastTxId: number;
  readonly stableTxId: number;
  readonly inboundQueued: number;
  readonly inFlight: number;
  readonly inDoubt: number;
  readonly durability?: string;
  readonly counters: Readonly<Record<string, number>>;
  readonly latencies?: Readonly<Record<string, { readonly p50Us: number; readonly p99Us: number }>>;
}

/** What a member knows of its group. */
export interface ClusterJson {
  readonly group: string;
  readonly name: string;
  readonly role: string;
  readonly epoch: number;
  readonly acks?: string;
  readonly register?: {
    readonly epoch: number;
    readonly primary: { readonly name: string };
    readonly members: readonly { readonly name: string }[];
  };
  readonly lastTxId: number;
  readonly stableTxId: number;
  readonly isLinked: boolean;
  readonly followers: readonly {
    readonly name: string;
    readonly phase: string;
    readonly isListed: boolean;
    readonly ackedTxId: number;
    readonly lag: number;
  }[];
  /** Of an event-sourced app on a backup. */
  readonly replay?: {
    readonly phase: string;
    readonly txId: number;
    readonly problems: number;
    readonly firstProblem?: string;
  };
  readonly cause?: string;
  /** Who has announced itself; only in the answer to a look. */
  readonly present: readonly { readonly name: string; readonly address: string; readonly priority: number }[];
  /** `available`, or why not; only in the answer to a look. */
  readonly arbiter: string;
}

export interface AppCommand {
  readonly name: string;
  readonly description?: string;
  readonly options?: Readonly<Record<string, AppCommandOption>>;
}

export interface AppCommandOption {
  readonly type: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly default?: string | number | boolean;
}

/** What became of a message that was handed in. */
export interface SendAnswer {
  readonly app: string;
  readonly channel: string;
  /** `local event`: the app receives from the channel itself, so it was given to its handlers. */
  readonly as: string;
}

export interface SendRequest {
  readonly app?: string;
  readonly channel: string;
  readonly bus?: string;
  readonly type: string;
  readonly message: unknown;
  readonly idempotencyKey?: string;
}

export interface DeadLetterQuery {
  readonly type?: string;
  readonly origin?: string;
  readonly reason?: string;
  readonly limit?: number;
}

/** Which dead letters a change is about: these, or all that match. */
export interface DeadLetterChoice extends DeadLetterQuery {
  readonly ids?: readonly number[];
  readonly all?: true;
  readonly dryRun?: boolean;
}

export interface DeadLetterOutcome {
  readonly matched: readonly number[];
  readonly done: readonly number[];
  readonly failed: readonly { readonly id: number; readonly code: string; readonly message: string }[];
}

/** A dead letter, from the server or read from a store. */
export interface DeadLetterJson {
  readonly id: number;
  readonly reason: string;
  readonly error: string;
  readonly attempts: number;
  readonly atMs: number;
  readonly origin: string;
  readonly key: string;
  readonly factoryId: number;
  readonly typeId: number;
  readonly type: string;
  readonly senderId: number;
  readonly sno: number;
  readonly byteCount?: number;
  /** Decoded; null when it cannot be. Only of a letter that was asked for by itself. */
  readonly message?: unknown;
  /** Base64. */
  readonly bytes?: string;
}
