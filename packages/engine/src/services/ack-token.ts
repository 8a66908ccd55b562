import { AepError, type Clock, type TimerHandle } from '@aep/kernel';

export interface AckTokenParts {
  readonly clock: Clock;
  /** Shown in alerts. */
  readonly handler: string;
  readonly timeoutMs: number;
  /** A token that the same transaction took before; both must be acknowledged. */
  readonly previous: AckToken | undefined;
  readonly onAcknowledged: () => void;
  readonly onTimeout: (token: AckToken) => void;
}

/**
 * Holds back the completion of a transaction whose handler is done (E64): its inbound message, and all later ones, are
 * acknowledged only when the token is. The effects of the transaction are journaled and released as always.
 */
export class AckToken {
  private acknowledged = false;
  private timer: TimerHandle | undefined;

  constructor(private readonly parts: AckTokenParts) {}

  get isAcknowledged(): boolean {
    return this.acknowledged;
  }

  get handler(): string {
    return this.parts.handler;
  }

  get timeoutMs(): number {
    return this.parts.timeoutMs;
  }

  /** This token and all that its transaction took before are acknowledged. */
  get isReleased(): boolean {
    return this.acknowledged && (this.parts.previous?.isReleased ?? true);
  }

  /** @throws AEP_ACK_TWICE (reject) at the second call */
  acknowledge(): void {
    const { handler, clock } = this.parts;
    if (this.acknowledged) {
      throw new AepError(
        'AEP_ACK_TWICE',
        'reject',
        `the acknowledgement delayed by ${handler} was given already: acknowledge a token once`,
        { handler },
      );
    }
    this.acknowledged = true;
    if (this.timer !== undefined) clock.cancel(this.timer);
    this.parts.onAcknowledged();
  }

  /** The transaction was sealed: from now on the token holds something back. One of a rolled-back transaction never does. */
  watch(): void {
    this.parts.previous?.watch();
    if (this.acknowledged) return;
    const { clock, timeoutMs } = this.parts;
    this.timer = clock.schedule(timeoutMs, () => this.parts.onTimeout(this));
  }

  /** The engine has stopped: nobody waits any more. */
  abandon(): void {
    this.parts.previous?.abandon();
    if (this.timer !== undefined) this.parts.clock.cancel(this.timer);
  }
}
