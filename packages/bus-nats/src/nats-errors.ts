import { type Advice, AepError } from '@aep/kernel';
import type { BusDescription } from '@aep/bus';

/** What to do about each error of this bus; the README says it in words. */
const ADVICE = {
  AEP_NATS_UNREACHABLE: 'retry',
  AEP_NATS_LOST: 'retry',
  AEP_NATS_TIMEOUT: 'retry',
  AEP_NATS_JETSTREAM_AWAY: 'retry',
  AEP_NATS_OUT_OF_RESOURCES: 'retry',
  AEP_NATS_NO_JETSTREAM: 'reject',
  AEP_NATS_CREDENTIALS: 'reject',
  AEP_NATS_TLS: 'reject',
  AEP_NATS_PERMISSION: 'reject',
  AEP_NATS_STREAM_UNFIT: 'reject',
  AEP_NATS_REFUSED: 'reject',
  AEP_NATS_TOO_LARGE: 'reject',
} as const satisfies Record<string, Advice>;

/** Every message begins with the bus. */
export function natsError(
  code: keyof typeof ADVICE,
  bus: Pick<BusDescription, 'name'>,
  why: string,
  cause?: unknown,
): AepError {
  return new AepError(code, ADVICE[code], `bus "${bus.name}" (nats): ${why}`, { bus: bus.name }, cause);
}
