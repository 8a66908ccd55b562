import type { BusDescription, BusProvider, BusProviderRegistry } from '@aep/bus';
import type { BusUse, ChannelOptions } from '@aep/engine';
import { AepError } from '@aep/kernel';
import type { AppBusModel, AppModel, BusModel, ChannelModel } from '@aep/model';
import { joinedChannels, keyOptionsOf, type RosterApp, rosterOf } from './roster.js';

/** The buses of the model as their providers take them; one description per bus, the same for every engine. */
export class BusCatalog {
  private readonly descriptions = new Map<string, BusDescription>();

  /** @param apps every app of the model, hosted here or not: each is in the rosters */
  constructor(
    private readonly buses: readonly BusModel[],
    private readonly apps: readonly RosterApp[],
    private readonly providers: BusProviderRegistry,
  ) {}

  /** What one app does with its buses. @throws AEP_BUS_PROVIDER_UNKNOWN, AEP_BUS_QOS, AEP_BUS_FILTER, and what rosters throw */
  usesOf(app: AppModel): BusUse[] {
    return app.messaging.buses.map((reference): BusUse => {
      const bus = this.buses.find((candidate) => candidate.name === reference.name)!;
      const provider = this.providers.get(bus.provider);
      const description = this.descriptionOf(bus, provider);
      const filters = this.joinedFilters(bus, app);
      return {
        description,
        provider,
        channels: bus.channels.map((channel) => channelOptions(channel, reference, filters.get(channel.name))),
        failPolicy: app.messaging.busBindingFailPolicy,
      };
    });
  }

  private joinedFilters(bus: BusModel, { name }: AppModel): Map<string, string | undefined> {
    const app = this.apps.find(({ model }) => model.name === name);
    const joined = app === undefined ? [] : joinedChannels(bus, app);
    return new Map(joined.map(({ channel, filter }) => [channel.name, filter]));
  }

  private descriptionOf(bus: BusModel, provider: BusProvider): BusDescription {
    let description = this.descriptions.get(bus.name);
    if (description === undefined) {
      description = describeBus(bus, rosterOf(bus, this.apps));
      checkCapabilities(description, provider);
      this.descriptions.set(bus.name, description);
    }
    return description;
  }
}

function describeBus(bus: BusModel, roster: BusDescription['roster']): BusDescription {
  return Object.freeze({
    name: bus.name,
    provider: bus.provider,
    address: bus.address,
    port: bus.port ?? 0,
    // The path of a descriptor is the provider's to understand, as its properties are.
    properties: bus.path === '' ? bus.properties : { path: bus.path, ...bus.properties },
    channels: channelDescriptions(bus),
    roster,
  });
}

/** Channels without a number get the free ones in the order of the model, the same in every process that has this model. */
function channelDescriptions(bus: BusModel): BusDescription['channels'] {
  const taken = new Set(bus.channels.map((channel) => channel.id));
  let next = 1;
  const free = (): number => {
    while (taken.has(next)) next++;
    return next++;
  };
  return bus.channels.map(({ name, id, qos, properties }) =>
    Object.freeze({ name, id: id ?? free(), qos, properties }),
  );
}

/** @param joinedFilter of a channel that the app joins: a channel that only a handler names has that of the bus reference (M7) */
function channelOptions(
  channel: ChannelModel,
  reference: AppBusModel,
  joinedFilter: string | undefined,
): ChannelOptions {
  const use = reference.channels.find((candidate) => candidate.name === channel.name);
  const filter = joinedFilter ?? use?.filter ?? undefined;
  return {
    name: channel.name,
    join: use?.join ?? false,
    ...(filter === undefined ? {} : { filter }),
    ...(channel.key === null ? {} : { key: channel.key }),
    ...(channel.defaultType === null ? {} : { defaultType: channel.defaultType }),
    keyOptions: keyOptionsOf(channel),
    keyTable: channel.keyResolution,
  };
}

/** A provider that cannot do what the model asks is found out here, not when the first message is lost (STYLE rule 11). */
function checkCapabilities(bus: BusDescription, { name, supports }: BusProvider): void {
  const guaranteed = supports.guaranteed ? undefined : bus.channels.find(({ qos }) => qos === 'Guaranteed');
  if (guaranteed !== undefined) {
    throw new AepError(
      'AEP_BUS_QOS',
      'reject',
      `bus "${bus.name}": provider "${name}" does not guarantee delivery, and channel "${guaranteed.name}" asks for it: set qos="BestEffort", or take another provider`,
      {
        bus: bus.name,
        channel: guaranteed.name,
      },
    );
  }
  const isWild = (pattern: string): boolean => pattern !== '**' && pattern.includes('*');
  const wild = supports.wildcardJoin ? undefined : bus.roster.find(({ patterns }) => patterns.some(isWild));
  if (wild !== undefined) {
    throw new AepError(
      'AEP_BUS_FILTER',
      'reject',
      `bus "${bus.name}": provider "${name}" knows no wildcards, and app "${wild.app}" joins channel "${wild.channel}" with one: give a filter for every variable of its key`,
      {
        bus: bus.name,
        channel: wild.channel,
        app: wild.app,
      },
    );
  }
}
