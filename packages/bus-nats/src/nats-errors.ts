import { AepError, type Advice } from '@aep/kernel';
import type { BusDescription } from '@aep/bus';

/** An error of this bus; every message begins with the bus. */
export function natsError(
  code: `AEP_NATS_${string}`,
  advice: Advice,
  bus: Pick<BusDescription, 'name'>,
  why: string,
  cause?: unknown,
): AepError {
  return new AepError(code, advice, `bus "${bus.name}" (nats): ${why}`, { bus: bus.name }, cause);
}
