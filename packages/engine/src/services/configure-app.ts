import { AepError } from '@aep/kernel';
import type { ConcludedEngineOptions } from '../engine-options.js';

/** The first part of a start (E1): configured values, EngineCreated, engine and sender injected, initializers. @throws AEP_APP_IN_USE, AEP_CONFIGURED_MISSING */
export async function configureApp(
  {
    options,
    engine,
    sender,
    claim,
  }: {
    readonly options: ConcludedEngineOptions;
    readonly engine: unknown;
    readonly sender: unknown;
    /** The application is this engine's from now on. */
    readonly claim: () => void;
  },
  announce: () => Promise<void>,
): Promise<void> {
  const { app } = options;
  claim();
  for (const configured of app.configured) {
    const value = options.configuration(configured.path) ?? configured.fallback;
    if (value !== undefined) configured.assign(value);
    else {
      throw new AepError(
        'AEP_CONFIGURED_MISSING',
        'reject',
        `@Configured("${configured.path}"): the model's env has no such value and there is no default: add it to <env>`,
        {
          path: configured.path,
        },
      );
    }
  }
  await announce();
  for (const receive of app.receiveEngine) receive(engine);
  for (const receive of app.receiveSender) receive(sender);
  for (const initialize of app.initializers) await initialize();
}
