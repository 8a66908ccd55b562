import type { AepError, Facts } from '@aep/kernel';
import type { MessageView } from '@aep/messages';

/** Base of the events by which the engine tells an application of its life. They are dispatched outside of transactions. */
export abstract class EngineEvent {
  constructor(readonly engine: string) {}
}

/** A class of engine events, as `@EventHandler(ChannelUp)` takes it. */
export type EngineEventClass<E extends EngineEvent = EngineEvent> = (abstract new (...values: never[]) => E) & {
  readonly prototype: E;
};

export class EngineCreated extends EngineEvent {}

/** The store is open and recovered; the role is known (E1). */
export class EngineStarted extends EngineEvent {
  constructor(
    engine: string,
    readonly role: Role,
  ) {
    super(engine);
  }
}

/** Before any bus traffic on a primary: messages injected by its handlers go first (E2). */
export class MessagingPrestart extends EngineEvent {
  /** Handled once in the life of the journal, before everything else. */
  firstMessage: MessageView | undefined;
  /** Handled each time messaging starts on a primary with an empty journal. */
  readonly initialMessages: MessageView[] = [];
}

export class MessagingStarted extends EngineEvent {}
export class EngineActive extends EngineEvent {}

/** A handler may decide for this stop alone whether joins are kept; ignored when the stop has a cause (E4). */
export class EngineStopping extends EngineEvent {
  preserveChannelJoins: boolean;

  constructor(
    engine: string,
    readonly cause: AepError | undefined,
    preserveByDefault: boolean,
  ) {
    super(engine);
    this.preserveChannelJoins = preserveByDefault;
  }

  setPreserveChannelJoins(preserve: boolean): void {
    this.preserveChannelJoins = preserve;
  }
}

export class RoleChanged extends EngineEvent {
  constructor(
    engine: string,
    readonly role: Role,
    readonly epoch: number,
  ) {
    super(engine);
  }
}

/** The join of a channel is in force; `setKeyTable` gives values for the variables of its key (E81). */
export class ChannelUp extends EngineEvent {
  constructor(
    engine: string,
    readonly bus: string,
    readonly channel: string,
    readonly setKeyTable: (table: Readonly<Record<string, string>>) => void,
  ) {
    super(engine);
  }
}

/** Problems (E7): each is also seen by a handler of AlertEvent. */
export abstract class AlertEvent extends EngineEvent {
  abstract readonly kind: string;
  abstract readonly message: string;
  readonly facts: Facts = {};
}

export class ChannelDown extends EngineEvent {
  constructor(
    engine: string,
    readonly bus: string,
    readonly channel: string,
    readonly cause: AepError,
  ) {
    super(engine);
  }
}

abstract class CausedAlert extends AlertEvent {
  constructor(
    engine: string,
    readonly cause: AepError,
    override readonly facts: Facts = {},
  ) {
    super(engine);
  }

  get message(): string {
    return `${this.cause.code}: ${this.cause.message}`;
  }
}

export class BusBindingOpenFailed extends CausedAlert {
  readonly kind = 'BusBindingOpenFailed';
}
export class BusBindingDown extends CausedAlert {
  readonly kind = 'BusBindingDown';
}
export class MessagingFailed extends CausedAlert {
  readonly kind = 'MessagingFailed';
}
export class StoreFailed extends CausedAlert {
  readonly kind = 'StoreFailed';
}
/** Handlers that were run again did not do what the journal holds; the cause names the transaction and the first difference (E60, H11). */
export class ReplayDiffers extends CausedAlert {
  readonly kind = 'ReplayDiffers';
}
/** A handler threw; `facts` tell the message type, the attempt and what the policy does next. */
export class ApplicationException extends CausedAlert {
  readonly kind = 'ApplicationException';
}

export class EngineStopped extends AlertEvent {
  readonly kind = 'EngineStopped';

  constructor(
    engine: string,
    readonly cause: AepError | undefined,
  ) {
    super(engine);
  }

  get message(): string {
    return this.cause === undefined
      ? 'the engine stopped'
      : `the engine stopped: ${this.cause.code}: ${this.cause.message}`;
  }
}

/** A handler, a store or a bus has not answered for longer than the threshold (E12, S3). */
export class StuckAlert extends AlertEvent {
  readonly kind = 'StuckAlert';

  constructor(
    engine: string,
    readonly what: string,
    readonly waitedMs: number,
  ) {
    super(engine);
  }

  get message(): string {
    return `${this.what} has not finished for ${Math.round(this.waitedMs)} ms; the engine waits for it`;
  }
}

/** The per-channel number of a sender jumped on an unfiltered channel: messages are missing in between (E52). */
export class GapEvent extends AlertEvent {
  readonly kind = 'GapEvent';

  constructor(
    engine: string,
    override readonly facts: Facts,
  ) {
    super(engine);
  }

  get message(): string {
    const { bus, channel, senderId, expected, got } = this.facts;
    return `channel ${channel}@${bus}: sender ${senderId} went from expected number ${expected} to ${got}`;
  }
}

/**
 * A sender's messages come from an incarnation older than one that was heard before, so all of them count as seen: its store
 * was replaced by an older one, or was made anew under a clock that had been set back.
 */
export class StaleSenderAlert extends AlertEvent {
  readonly kind = 'StaleSenderAlert';

  constructor(
    engine: string,
    override readonly facts: Facts,
  ) {
    super(engine);
  }

  get message(): string {
    const { bus, channel, senderId, incarnation } = this.facts;
    return `channel ${channel}@${bus}: sender ${senderId} speaks for incarnation ${incarnation}, which was replaced by a later one: its messages are acknowledged and not handled; make its store anew with the right time`;
  }
}

export type UnhandledReason = 'malformed' | 'unknown-type' | 'unknown-channel' | 'no-handler';

/** A message that no handler could take (E16). */
export class UnhandledMessageEvent extends AlertEvent {
  readonly kind = 'UnhandledMessageEvent';

  constructor(
    engine: string,
    readonly reason: UnhandledReason,
    readonly detail: string,
    override readonly facts: Facts,
  ) {
    super(engine);
  }

  get message(): string {
    return `unhandled message (${this.reason}): ${this.detail}`;
  }
}

export type Role = 'primary' | 'backup';
