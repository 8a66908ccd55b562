import type { AppDefinition, Engine } from '@aep/engine';
import { replayDiffers } from '@aep/engine/internal';
import { AepError } from '@aep/kernel';
import type { AppModel } from '@aep/model';

/**
 * E60: `storage/verifyReplay` is for apps whose state is made by their handlers; asked of another it would check nothing.
 *
 * @throws AEP_NOT_EVENT_SOURCED (reject), as the engine has it
 */
export function refuseVerifyReplay(app: AppModel, definition: AppDefinition): void {
  if (!app.storage.verifyReplay || definition.stateCodec !== undefined) return;
  throw new AepError(
    'AEP_NOT_EVENT_SOURCED',
    'reject',
    `x.apps.${app.name}.storage.verifyReplay: the app replicates state changes, and a replay is compared for event-sourced apps: remove verifyReplay, or give the app a stateCodec`,
    { app: app.name },
  );
}

/**
 * Replays the journal of an engine that has just started, and compares. One that differs is stopped: handlers that are not
 * deterministic make another state at every start.
 *
 * @throws AEP_REPLAY_DIFFERS (reject) naming the first difference; AEP_REPLAY_FAILED
 */
export async function verifyReplayOf(engine: Engine): Promise<void> {
  try {
    const { difference } = await engine.verifyReplay();
    if (difference === undefined) return;
    throw replayDiffers(engine.name, difference);
  } catch (thrown) {
    await engine.stop(thrown as AepError);
    throw thrown;
  }
}
