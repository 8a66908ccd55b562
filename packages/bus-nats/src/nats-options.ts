import type { Clock, Log, Random } from '@aep/kernel';
import type { BindingOptions, BusDescription, ChannelDescription } from '@aep/bus';
import { descriptorInvalid, integerProperty } from '@aep/bus/internal';
import { type Access, concludeAccess } from './access.js';
import { ChannelSubjects, toToken } from './subjects.js';

/** What one channel is called on the server. */
export interface ChannelNames {
  readonly description: ChannelDescription;
  readonly subjects: ChannelSubjects;
  /** Of a Guaranteed channel. */
  readonly stream: string;
}

/** Options of one binding, concluded: defaults filled in, relations checked. */
export interface NatsOptions {
  readonly bus: BusDescription;
  readonly app: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly access: Access;
  readonly channels: ReadonlyMap<string, ChannelNames>;
  readonly messageBytesMax: number;
  readonly unconfirmedMax: number;
  readonly windowMessages: number;
  readonly windowBytes: number;
  readonly publishMessagesMax: number;
  readonly publishBytesMax: number;
  readonly bestEffortQueueMax: number;
  readonly streamBytesMax: number;
  readonly replicas: number;
  readonly duplicateWindowMs: number;
  readonly ackWaitMs: number;
  readonly ackPendingMax: number;
  readonly requestTimeoutMs: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
}

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;

/**
 * Checks the bus description and fills in defaults; connects to nothing.
 *
 * @throws AEP_BUS_DESCRIPTOR_INVALID (reject)
 */
export function concludeNatsOptions(
  options: BindingOptions,
  variables: Readonly<Record<string, string | undefined>>,
): NatsOptions {
  const { bus, app, messageBytesMax, unconfirmedMax } = options;
  const number = (name: string, min: number, max: number, defaultValue: number): number =>
    integerProperty(bus, { name, min, max, defaultValue });
  const reconnectMinMs = number('reconnectMinMs', 1, 3_600_000, 50);
  return Object.freeze({
    bus,
    app,
    clock: options.clock,
    random: options.random,
    log: options.log.child({ bus: bus.name, app }),
    access: concludeAccess(bus, `${app}@${bus.name}`, variables),
    channels: new Map(bus.channels.map((channel) => [channel.name, namesOf(bus, channel)])),
    messageBytesMax,
    unconfirmedMax,
    windowMessages: number('windowMessages', 1, 1_000_000, 1024),
    windowBytes: number('windowBytes', 1024, 2 ** 31 - 1, 8 * MIB),
    publishMessagesMax: number('publishMessages', 1, 1_000_000, 1024),
    publishBytesMax: number('publishBytes', 1, 2 ** 31 - 1, 8 * MIB),
    bestEffortQueueMax: number('bestEffortQueueMax', 1, 10_000_000, 8192),
    streamBytesMax: number('streamBytesMax', 1024, Number.MAX_SAFE_INTEGER, 1024 * MIB),
    replicas: number('replicas', 1, 5, 1),
    duplicateWindowMs: number('duplicateWindowMs', 100, DAY_MS, 120_000),
    ackWaitMs: number('ackWaitMs', 1000, DAY_MS, 600_000),
    ackPendingMax: number('ackPendingMax', 1, 1_000_000, 8192),
    requestTimeoutMs: number('requestTimeoutMs', 10, 3_600_000, 5000),
    reconnectMinMs,
    reconnectMaxMs: number('reconnectMaxMs', reconnectMinMs, 3_600_000, Math.max(reconnectMinMs, 2000)),
  });
}

/** `<bus>.<channel>.<key levels>`, and a stream `<bus>~<channel>`: no name of a model holds a `~`, so no two pairs share a stream. */
function namesOf(bus: BusDescription, channel: ChannelDescription): ChannelNames {
  const root = property(channel, 'subject') ?? `${toToken(bus.name)}.${toToken(channel.name)}`;
  if (!/^[^\s.*>$][^\s.*>]*(?:\.[^\s.*>]+)*$/.test(root)) {
    throw descriptorInvalid(
      bus,
      `channel "${channel.name}": property "subject": expected tokens without white space, "*" and ">", with "." between them, got "${root.slice(0, 80)}"`,
    );
  }
  const stream = property(channel, 'stream') ?? `${toToken(bus.name)}~${toToken(channel.name)}`;
  if (!/^[^\s.*>/\\]{1,200}$/.test(stream)) {
    throw descriptorInvalid(
      bus,
      `channel "${channel.name}": property "stream": expected up to 200 characters without white space, ".", "*", ">" and slashes, got "${stream.slice(0, 80)}"`,
    );
  }
  return { description: channel, subjects: new ChannelSubjects(root), stream };
}

function property(channel: ChannelDescription, name: string): string | undefined {
  return Object.hasOwn(channel.properties, name) ? channel.properties[name] : undefined;
}
