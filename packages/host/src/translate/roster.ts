import { compileFilter, compileKeyTemplate, type Subscriber } from '@aep/bus';
import type { AppDefinition } from '@aep/engine';
import { matchesSource } from '@aep/engine/internal';
import type { AppBusModel, AppModel, BusModel, ChannelModel } from '@aep/model';

/** What is asked of an app's code: the channels that its handlers name. */
export interface JoiningHandlers {
  readonly messageHandlers: readonly Pick<AppDefinition['messageHandlers'][number], 'source' | 'localOnly'>[];
}

/** An app as far as the rosters of its buses need it. */
export interface RosterApp {
  readonly model: AppModel;
  /** Undefined when its code is not known here: then only `join="true"` of the model counts. */
  readonly definition: JoiningHandlers | undefined;
}

/**
 * Who joins which channels of a bus: by the model, or because a handler names the channel as its source (E86). A
 * Guaranteed message is confirmed when everyone in the roster has it, so an app that does not run now is in it too.
 *
 * @throws AEP_FILTER_INVALID, AEP_FILTER_UNKNOWN_VARIABLE, AEP_FILTER_TOO_LARGE, AEP_KEY_INVALID
 */
export function rosterOf(bus: BusModel, apps: readonly RosterApp[]): Subscriber[] {
  return apps.flatMap((app) =>
    joinedChannels(bus, app).map(({ channel, filter }) => ({
      app: app.model.name,
      channel: channel.name,
      patterns: compileFilter(
        filter,
        compileKeyTemplate(channel.key ?? undefined, {
          ...keyOptionsOf(channel),
          channel: `${channel.name}@${bus.name}`,
        }),
      ),
    })),
  );
}

/** Channels of the bus that the app joins, each with its filter. */
export function joinedChannels(bus: BusModel, app: RosterApp): { channel: ChannelModel; filter: string | undefined }[] {
  const use = app.model.messaging.buses.find((candidate) => candidate.name === bus.name);
  if (use === undefined) return [];
  return bus.channels.flatMap((channel) => {
    const reference = use.channels.find((candidate) => candidate.name === channel.name);
    const isJoined = reference?.join === true || isSource(app.definition, bus.name, channel.name);
    return isJoined ? [{ channel, filter: filterOf(use, channel.name) }] : [];
  });
}

/** The filter beside the channels holds for those without one of their own (M7), also for one that only a handler names. */
function filterOf(use: AppBusModel, channel: string): string | undefined {
  const reference = use.channels.find((candidate) => candidate.name === channel);
  return (reference === undefined ? use.filter : reference.filter) ?? undefined;
}

export function keyOptionsOf(channel: ChannelModel) {
  const { cleanMessageKey, allowEmptyKeyField, treatEmptyKeyFieldAsNull, maxResolvedKeyLength } = channel;
  return {
    // The model has put it into the key where it could (M2); arguments of functions are left to the bus.
    initialTable: channel.initialKeyResolution,
    cleanMessageKey,
    allowEmptyKeyField,
    treatEmptyKeyFieldAsNull,
    maxResolvedKeyLength,
  };
}

/** As the engine has it: `@bus` alone names no channel, and a local handler causes no join (E10, E86). */
function isSource(definition: JoiningHandlers | undefined, bus: string, channel: string): boolean {
  if (definition === undefined) return false;
  return definition.messageHandlers.some(
    ({ source, localOnly }) =>
      !localOnly && source !== undefined && !source.startsWith('@') && matchesSource(source, bus, channel),
  );
}
