import type { AlertEvent } from '@aep/engine';
import { AepError, toError } from '@aep/kernel';
import type { World } from '../app/world.js';

/** What a test may have left behind in one application. */
export interface Leftovers {
  readonly app: string;
  /** Ends the steps that are still running; throws AEP_TEST_UNAWAITED when nobody awaits them. */
  finish(): Promise<void>;
  /** Failures that no check has looked at. */
  readonly unchecked: readonly AlertEvent[];
  /** A step or a check of the test has failed: what it left behind is no news. */
  readonly hasFailed: boolean;
}

/** Ends a world and reports what the test has left behind. @throws AEP_TEST_UNAWAITED, AEP_TEST_UNCHECKED_FAILURE, AEP_TEST_LEAK */
export async function closeWorld(world: World, kits: readonly Leftovers[]): Promise<void> {
  let unawaited: Error | undefined;
  for (const kit of kits) await kit.finish().catch((error: unknown) => (unawaited ??= toError(error)));
  await world.close();
  if (unawaited !== undefined) throw unawaited;
  if (kits.some(({ hasFailed }) => hasFailed)) return;
  for (const { app, unchecked } of kits) if (unchecked.length > 0) throw uncheckedFailure(app, unchecked);
  const leaks = world.pools.leaks();
  if (leaks.length > 0) throw leaked(kits.map(({ app }) => app).join(', '), leaks);
}

function uncheckedFailure(app: string, alerts: readonly AlertEvent[]): AepError {
  const lines = [...new Set(alerts.map((alert) => `  ${alert.kind}: ${alert.message}`))];
  return new AepError(
    'AEP_TEST_UNCHECKED_FAILURE',
    'reject',
    `${app}: something failed and no then… looked at it (thenDeadLettered, thenAlert, thenStopped):\n${lines.join('\n')}`,
    { app },
  );
}

function leaked(app: string, leaks: readonly string[]): AepError {
  return new AepError(
    'AEP_TEST_LEAK',
    'reject',
    `${app}: messages were created and neither sent nor disposed: ${leaks.join(', ')}`,
    { app },
  );
}
