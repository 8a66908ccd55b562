/** What a test has switched off on a {@link RecordingProvider}. */
export interface BusSwitches {
  /** No connection: bindings do not open, deliver or confirm. */
  readonly isDown: boolean;
  /** Sends are answered `back-pressured`. */
  readonly isRefusingSends: boolean;
  /** Sends are taken and not confirmed. */
  readonly isHoldingConfirmations: boolean;
  /** Messages wait on the bus. */
  readonly isHoldingDeliveries: boolean;
}
