import { AepError } from '@aep/kernel';

/**
 * Holds back the completion of a transaction whose handler is done (E64): its inbound message, and all later ones, are
 * acknowledged only when the token is. The effects of the transaction are journaled and released as always.
 */
export class AckToken {
  private acknowledged = false;

  constructor(
    private readonly onAcknowledged: () => void,
    /** Shown in alerts. */
    readonly handler: string,
    readonly createdAtMs: number,
    readonly timeoutMs: number,
  ) {}

  get isAcknowledged(): boolean {
    return this.acknowledged;
  }

  /** @throws AEP_ACK_TWICE (reject) at the second call */
  acknowledge(): void {
    if (this.acknowledged) {
      throw new AepError(
        'AEP_ACK_TWICE',
        'reject',
        `the acknowledgement delayed by ${this.handler} was given already: acknowledge a token once`,
        {
          handler: this.handler,
        },
      );
    }
    this.acknowledged = true;
    this.onAcknowledged();
  }
}
