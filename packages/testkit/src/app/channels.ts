import {
  type BusDescription,
  type BusProvider,
  type ChannelDescription,
  compileFilter,
  compileKeyTemplate,
  type KeyTable,
  type KeyTemplate,
  type KeyTemplateOptions,
  type Qos,
  type Subscriber,
} from '@aep/bus';
import type { AppDefinition, BusUse } from '@aep/engine';
import { matchesSource } from '@aep/engine/internal';
import { AepError, didYouMean } from '@aep/kernel';
import type { MessageClass, MessageView } from '@aep/messages';

/** A channel of the test bus, and what the application under test does with it. */
export interface ChannelDefinition {
  /** The messages that the channel carries; what may be put on it and expected of it. @default any */
  readonly carries?: MessageClass | readonly MessageClass[];
  /** @default false; a handler that names the channel as its source joins it as well (E86) */
  readonly join?: boolean;
  /** Key template (E80). @default messages have no key */
  readonly key?: string;
  readonly keyOptions?: Omit<KeyTemplateOptions, 'channel'>;
  readonly keyTable?: KeyTable;
  /** `Region=US|EMEA` (E85). @default every key */
  readonly filter?: string;
  /** @default 'Guaranteed' */
  readonly qos?: Qos;
  /** Name of the bus. @default 'test-bus' */
  readonly bus?: string;
}

/** Channels by name. */
export type ChannelDefinitions = Readonly<Record<string, ChannelDefinition>>;

/** The message that a channel carries, or the union of them. */
export type Carried<D extends ChannelDefinition> = D extends { readonly carries: MessageClass<infer M> }
  ? M
  : D extends { readonly carries: readonly MessageClass<infer M>[] }
    ? M
    : MessageView;

/** Channel name to message, as {@link ChannelDefinitions} say it. */
export type Channels<D extends ChannelDefinitions> = { readonly [N in keyof D]: Carried<D[N]> };

/** A channel as the test addresses it. */
export interface TestChannel {
  readonly bus: BusDescription;
  readonly description: ChannelDescription;
  readonly template: KeyTemplate;
  readonly keyTable: KeyTable | undefined;
  /** Undefined: any. */
  readonly carries: readonly MessageClass[] | undefined;
}

/** What one application does otherwise than the definitions of the channels say. */
export type OwnChannels = Readonly<Record<string, Pick<ChannelDefinition, 'join' | 'filter'>>>;

const DEFAULT_BUS = 'test-bus';

/** Messages on the test bus that wait for one application, unacknowledged ones included; more are not taken. */
export const MESSAGES_WAITING_MAX = 10_000;

/** The buses of a test world, made of channel definitions. */
export class TestChannels {
  private readonly channels = new Map<string, TestChannel>();
  private readonly buses = new Map<string, BusDescription & { readonly roster: Subscriber[] }>();

  constructor(private readonly definitions: ChannelDefinitions) {
    const byBus = new Map<string, [string, ChannelDefinition][]>();
    for (const [name, definition] of Object.entries(definitions)) {
      const bus = definition.bus ?? DEFAULT_BUS;
      byBus.set(bus, [...(byBus.get(bus) ?? []), [name, definition]]);
    }
    if (byBus.size === 0) byBus.set(DEFAULT_BUS, []);
    for (const [bus, entries] of byBus) this.addBus(bus, entries);
  }

  get names(): readonly string[] {
    return [...this.channels.keys()];
  }

  /** @throws AEP_TEST_CHANNEL_UNKNOWN with the nearest name */
  get(name: string): TestChannel {
    const channel = this.channels.get(name);
    if (channel !== undefined) return channel;
    const { names } = this;
    throw new AepError(
      'AEP_TEST_CHANNEL_UNKNOWN',
      'reject',
      `the test has no channel "${name}"${didYouMean(name, names)}; its options.channels are: ${names.join(', ') || 'none'}`,
      { channel: name },
    );
  }

  /** Puts an application on the rosters: what it joins waits for it while it is away, as a deployment would have it. */
  enroll(app: string, { messageHandlers }: AppDefinition, own: OwnChannels): void {
    for (const name of Object.keys(own)) this.get(name);
    for (const [name, { template }] of this.channels) {
      const { join, filter, bus = DEFAULT_BUS } = { ...this.definitions[name], ...own[name] };
      const isSource = messageHandlers.some(
        ({ source, localOnly }) =>
          !localOnly && source !== undefined && !source.startsWith('@') && matchesSource(source, bus, name),
      );
      if (join !== true && !isSource) continue;
      this.buses.get(bus)!.roster.push({ app, channel: name, patterns: compileFilter(filter, template) });
    }
  }

  /** What one application does with the buses. */
  usesFor(provider: BusProvider, own: OwnChannels): BusUse[] {
    return [...this.buses.values()].map((description) => ({
      description,
      provider,
      channels: description.channels.map(({ name }) =>
        channelOptions(name, { ...this.definitions[name], ...own[name] }),
      ),
    }));
  }

  private addBus(name: string, entries: readonly [string, ChannelDefinition][]): void {
    const bus: BusDescription & { readonly roster: Subscriber[] } = {
      name,
      provider: 'loopback',
      address: name,
      port: 0,
      properties: { queueMax: String(MESSAGES_WAITING_MAX) },
      channels: entries.map(([channel, { qos = 'Guaranteed' }], index) => ({
        name: channel,
        id: index + 1,
        qos,
        properties: {},
      })),
      roster: [],
    };
    this.buses.set(name, bus);
    for (const [index, [channel, { key, keyOptions, keyTable, carries }]] of entries.entries()) {
      this.channels.set(channel, {
        bus,
        description: bus.channels[index]!,
        template: compileKeyTemplate(key, { ...keyOptions, channel: `${channel}@${name}` }),
        keyTable,
        carries: carries === undefined || Array.isArray(carries) ? (carries as undefined) : [carries as MessageClass],
      });
    }
  }
}

function channelOptions(name: string, definition: ChannelDefinition) {
  const { join, key, keyOptions, keyTable, filter } = definition;
  return {
    name,
    ...(join === undefined ? {} : { join }),
    ...(key === undefined ? {} : { key }),
    ...(keyOptions === undefined ? {} : { keyOptions }),
    ...(keyTable === undefined ? {} : { keyTable }),
    ...(filter === undefined ? {} : { filter }),
  };
}
