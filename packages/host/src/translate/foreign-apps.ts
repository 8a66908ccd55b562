import { AppBuilder, type AppDefinition } from '@aep/engine';
import { collectNotes } from '@aep/engine/internal';
import type { BusProviderRegistry } from '@aep/bus';
import type { Log } from '@aep/kernel';
import type { AppModel, Model } from '@aep/model';
import type { ModuleExports } from '../module-exports.js';
import type { JoiningHandlers, RosterApp } from './roster.js';

interface Context {
  readonly model: Model;
  readonly exports: ModuleExports;
  readonly log: Log;
}

/**
 * The apps that other processes host, as the rosters here need them: what they join by their handlers is in their code,
 * so the code is looked at (never run) when they share a bus that reaches across processes. Without it a message could
 * be confirmed that such an app has not got.
 */
export async function foreignApps(
  hosted: readonly RosterApp[],
  registry: BusProviderRegistry,
  context: Context,
): Promise<RosterApp[]> {
  const { model } = context;
  const shared = sharedBuses(hosted, registry, model);
  const others = model.apps.filter((app) => !hosted.some((one) => one.model.name === app.name));
  return await Promise.all(
    others.map(async (app): Promise<RosterApp> => {
      const isMet = app.messaging.buses.some(({ name }) => shared.has(name));
      return { model: app, definition: isMet ? await handlersOf(app, context) : undefined };
    }),
  );
}

function sharedBuses(hosted: readonly RosterApp[], registry: BusProviderRegistry, model: Model): Set<string> {
  const used = new Set(hosted.flatMap(({ model: app }) => app.messaging.buses.map(({ name }) => name)));
  const shared = model.buses.filter(
    ({ name, provider }) => used.has(name) && registry.get(provider).supports.crossProcess,
  );
  return new Set(shared.map(({ name }) => name));
}

async function handlersOf(app: AppModel, { exports, log }: Context): Promise<JoiningHandlers | undefined> {
  try {
    const { value } = await exports.resolve(app.mainClass, `mainClass of app "${app.name}"`);
    if (value instanceof AppBuilder) return value.definition;
    if (typeof value === 'object' && value !== null && 'messageHandlers' in value) return value as AppDefinition;
    if (typeof value === 'function') return { messageHandlers: sourcesOf(value) };
  } catch (thrown) {
    const message =
      'the code of an app of another process is not here: only its join="true" counts, so write that for every channel that it joins';
    log.log('warn', message, { app: app.name }, thrown);
  }
  return undefined;
}

/** The handlers that a class notes when it is defined; no instance is made. */
function sourcesOf(type: object): JoiningHandlers['messageHandlers'] {
  return collectNotes(type).flatMap((note) => {
    if (note.kind !== 'handler') return [];
    return [{ source: note.options.source, localOnly: note.options.localOnly ?? false }];
  });
}
