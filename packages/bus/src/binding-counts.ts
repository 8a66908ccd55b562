/** What a binding did since it was made; plain numbers that only grow. Read by statistics (E100). */
export class BindingCounts {
  sent = 0;
  sentBytes = 0;
  confirmed = 0;
  /** Sends that were answered `back-pressured`. */
  sendsRefused = 0;
  delivered = 0;
  deliveredBytes = 0;
  acknowledged = 0;
  /** Deliveries that were answered `back-pressured`. */
  deliveriesRefused = 0;
  /** Deliveries given again because they were not acknowledged. */
  redelivered = 0;
  /** BestEffort messages that a subscriber did not get because it was not there. */
  dropped = 0;
}
