import type { BindingOptions, BusDescription, Delivery } from '@aep/bus';
import { AepError, FunctionLog, SeededRandom, toError, VirtualClock } from '@aep/kernel';

/**
 * The app of a binding on which the fuzzer is everybody else. A fault of our own ends a connection like one of the other side;
 * it is told from that one by what was logged.
 */
export class FuzzedApp {
  readonly clock = new VirtualClock();
  readonly unacknowledged: Delivery[] = [];
  deliveries = 0;
  private fault: unknown;
  private refusal: AepError | undefined;
  private readonly log = new FunctionLog(({ error }) => {
    if (error === undefined) return;
    if (!(error instanceof AepError) || error.code === 'AEP_ASSERTION') this.fault ??= error;
    else if (error.cause !== undefined && !(error.cause instanceof AepError)) this.fault ??= error.cause;
    else if (error !== this.orderly) this.refusal ??= error;
  });

  /** @param orderly the end of the fuzzer's own, which is no refusal */
  constructor(private readonly orderly: AepError) {}

  /** @param mayFail what the other side says may end the binding for good, such as the refusal of a password */
  bindingOptions(
    bus: BusDescription,
    options: { readonly app: string; readonly messageBytesMax: number; readonly mayFail: boolean },
  ): BindingOptions {
    const { app, messageBytesMax, mayFail } = options;
    return {
      bus,
      app,
      clock: this.clock,
      random: new SeededRandom(1),
      log: this.log,
      listener: {
        onDelivery: (delivery) => {
          this.deliveries++;
          this.unacknowledged.push(delivery);
          return 'accepted';
        },
        onConfirmed: () => undefined,
        onWritable: () => undefined,
        onChannelUp: () => undefined,
        onChannelDown: () => undefined,
        onBindingDown: () => undefined,
        onBindingUp: () => undefined,
        onBindingFailed: (cause) => {
          if (mayFail) this.refusal ??= cause;
          else this.fault ??= cause;
        },
      },
      failPolicy: 'Reconnect',
      unacknowledgedMax: 1000,
      unconfirmedMax: 1000,
      messageBytesMax,
    };
  }

  /** @throws what was a fault of our own, or else why the connection ended before the fuzzer ended it */
  report(): void {
    const thrown = this.fault === undefined ? this.refusal : toError(this.fault);
    this.fault = this.refusal = undefined;
    if (thrown !== undefined) throw thrown;
  }
}
