import { AepError } from '@aep/kernel';
import type { AppDefinition } from './app-definition.js';

/** What is asked of the engine that has an application. */
interface AppUser {
  readonly name: string;
  readonly state: string;
}

/** By the object that the user gave: an instance of a decorated class, a builder, or a definition. */
const users = new WeakMap<object, AppUser>();

/**
 * An application that is handed an engine, a sender or configured values keeps one of each: with two engines, one of them would
 * send through the other's journal. So it serves one engine at a time.
 *
 * @throws AEP_APP_IN_USE
 */
export function claimApp(app: object, definition: AppDefinition, engine: AppUser): void {
  const { receiveEngine, receiveSender, configured } = definition;
  if (receiveEngine.length + receiveSender.length + configured.length === 0) return;
  const user = users.get(app);
  if (user !== undefined && user !== engine && user.state !== 'stopped') throw inUse(user, engine);
  users.set(app, engine);
}

function inUse(user: AppUser, engine: AppUser): AepError {
  return new AepError(
    'AEP_APP_IN_USE',
    'reject',
    `engine "${engine.name}" cannot start with this application: engine "${user.name}" has it and is ${user.state}; ` +
      'make an application object for each engine, or stop the other engine first',
    { engine: engine.name, usedBy: user.name },
  );
}
