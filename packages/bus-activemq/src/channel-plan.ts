import type { BusDescription, ChannelDescription } from '@aep/bus';
import { descriptorInvalid } from '@aep/bus/internal';
import { type ActiveMqOptions, property } from './activemq-options.js';

/** ActiveMQ copies what is sent to a topic of this name into every queue `Consumer.<who>.<name of the topic>`. */
const VIRTUAL = 'VirtualTopic.';

/** Where the messages of one channel go and come from. */
export interface ChannelPlan {
  readonly channel: ChannelDescription;
  readonly kind: 'topic' | 'queue';
  /** Without `/topic/` or `/queue/`. */
  readonly name: string;
  /** Who filters keys for a subscriber. */
  readonly filter: 'client' | 'broker';
  /** Each key has a destination below that of the channel. */
  readonly hasKeyDestinations: boolean;
}

/** @throws AEP_BUS_DESCRIPTOR_INVALID (reject) for properties of a channel that cannot be */
export function planChannels(options: ActiveMqOptions): ReadonlyMap<string, ChannelPlan> {
  const { bus } = options;
  const plans = new Map(bus.channels.map((channel) => [channel.name, planOf(bus, channel)]));
  const owners = new Map<string, string>();
  for (const { kind, name, channel } of plans.values()) {
    const other = owners.get(`${kind} ${name}`);
    if (other !== undefined)
      throw descriptorInvalid(bus, `the channels "${other}" and "${channel.name}" have the same ${kind} "${name}"`);
    owners.set(`${kind} ${name}`, channel.name);
  }
  for (const plan of plans.values()) checkQueue(bus, plan);
  checkConsumers(bus);
  return plans;
}

/** A subscription that outlives its subscriber as a queue of its own, which anybody can make beforehand. */
export function isVirtual(options: ActiveMqOptions, plan: ChannelPlan): boolean {
  return (
    options.flavor === 'classic' &&
    options.subscriptions === 'virtual' &&
    plan.kind === 'topic' &&
    plan.channel.qos === 'Guaranteed' &&
    plan.name.startsWith(VIRTUAL)
  );
}

/** The queue of one app for one virtual topic. */
export function consumerQueue(app: string, plan: ChannelPlan): string {
  return `Consumer.${oneLevel(app)}.${plan.name}`;
}

/** `NEWORDERS/US` below the destination of its channel: `/` becomes `.`, and what means something to the broker `_`. */
export function keyDestination(plan: ChannelPlan, key: string): string {
  return key === '' ? plan.name : `${plan.name}.${key.split('/').map(oneLevel).join('.')}`;
}

/** The broker's wildcards for a key pattern: `*` one level, `>` all that follow. They may take more than the pattern does. */
export function patternDestination(plan: ChannelPlan, pattern: string): string {
  if (pattern === '' || pattern === '**') return `${plan.name}.>`;
  const levels = pattern.split('/').map((level) => {
    if (level === '**') return '>';
    return level.includes('*') ? '*' : oneLevel(level);
  });
  return `${plan.name}.${levels.join('.')}`;
}

/** The key of a message that somebody else has sent to a key's destination. */
export function keyOfDestination(plan: ChannelPlan, destination: string): string {
  const prefix = `/topic/${plan.name}.`;
  return destination.startsWith(prefix) ? destination.slice(prefix.length).replaceAll('.', '/') : '';
}

function planOf(bus: BusDescription, channel: ChannelDescription): ChannelPlan {
  const isGuaranteed = channel.qos === 'Guaranteed';
  const text = property(channel, 'destination') ?? `/topic/${isGuaranteed ? VIRTUAL : ''}${bus.name}.${channel.name}`;
  const match = /^\/(topic|queue)\/([\p{L}\p{N}_.\-/]{1,200})$/u.exec(text);
  if (match === null) {
    const wanted = '/topic/NAME or /queue/NAME, with a NAME of at most 200 letters, digits and "_-./"';
    throw descriptorInvalid(bus, `channel "${channel.name}": property "destination": expected ${wanted}`);
  }
  const [, kind, name] = match;
  const keys = choice(bus, channel, 'keys', ['header', 'destination']);
  if (keys === 'destination' && (isGuaranteed || kind === 'queue')) {
    throw descriptorInvalid(
      bus,
      `channel "${channel.name}": property "keys": only a BestEffort topic can have its keys in its destinations: the broker ` +
        'keeps the order within a destination, and a Guaranteed message that another one has overtaken counts as a duplicate',
    );
  }
  return {
    channel,
    kind: kind as 'topic' | 'queue',
    name: name!.replaceAll('/', '.'),
    // A durable subscription whose selector changes is made anew by the broker, and what waited for it is lost.
    filter: choice(
      bus,
      channel,
      'filter',
      isGuaranteed && kind === 'topic' ? ['client', 'broker'] : ['broker', 'client'],
    ),
    hasKeyDestinations: keys === 'destination',
  };
}

function choice<T extends string>(
  bus: BusDescription,
  channel: ChannelDescription,
  name: string,
  words: readonly T[],
): T {
  const text = property(channel, name);
  const found = text === undefined ? words[0] : words.find((word) => word === text);
  if (found !== undefined) return found;
  const shown = text!.slice(0, 80);
  throw descriptorInvalid(
    bus,
    `channel "${channel.name}": property "${name}": expected ${words.join(' or ')}, got "${shown}"`,
  );
}

/** A queue gives each message to one consumer: two apps would each get a part of them. */
function checkQueue(bus: BusDescription, { channel, kind }: ChannelPlan): void {
  if (kind === 'topic') return;
  const apps = new Set(bus.roster.filter((entry) => entry.channel === channel.name).map(({ app }) => app));
  if (apps.size < 2) return;
  throw descriptorInvalid(
    bus,
    `channel "${channel.name}" is a queue and the apps ${[...apps].join(', ')} join it: each would get a part of its messages; make it a topic`,
  );
}

function checkConsumers(bus: BusDescription): void {
  const names = new Map<string, string>();
  for (const { app } of bus.roster) {
    const other = names.get(oneLevel(app)) ?? app;
    if (other !== app)
      throw descriptorInvalid(bus, `the apps "${other}" and "${app}" have the same name for the broker: rename one`);
    names.set(oneLevel(app), app);
  }
}

/** One level of a destination's name. */
function oneLevel(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N}_-]/gu, '_') || '_';
}
