import type { BusDescription, ChannelDescription } from '../binding-contract.js';
import { descriptorInvalid, integerProperty } from '../bus-properties.js';

/** A channel that tasks are sent to. */
export interface TaskChannelOptions {
  readonly channel: ChannelDescription;
  readonly replyChannel: ChannelDescription;
  readonly moduleReference: string;
}

export interface ExecutorOptions {
  readonly taskChannels: readonly TaskChannelOptions[];
  readonly workers: number;
  readonly attemptsMax: number;
  readonly retryMs: number;
  readonly taskTimeoutMs: number;
  readonly queueMax: number;
}

/** Checks the description of an executor bus. @throws AEP_BUS_DESCRIPTOR_INVALID (reject) */
export function concludeExecutorOptions(bus: BusDescription): ExecutorOptions {
  const replyNames = new Set(bus.channels.map((channel) => property(channel.properties, 'replyChannel')));
  const taskChannels = bus.channels
    .filter((channel) => !replyNames.has(channel.name))
    .map((channel) => concludeTaskChannel(bus, channel));
  if (taskChannels.length === 0)
    throw descriptorInvalid(bus, 'it has no channel with a property "replyChannel", so no task can be sent');
  const number = (name: string, min: number, max: number, defaultValue: number): number =>
    integerProperty(bus, { name, min, max, defaultValue });
  return Object.freeze({
    taskChannels,
    workers: number('workers', 1, 256, 2),
    attemptsMax: number('attemptsMax', 1, 1000, 3),
    retryMs: number('retryMs', 0, 3_600_000, 100),
    taskTimeoutMs: number('taskTimeoutMs', 1, 86_400_000, 60_000),
    queueMax: number('queueMax', 1, 10_000_000, 10_000),
  });
}

function concludeTaskChannel(bus: BusDescription, channel: ChannelDescription): TaskChannelOptions {
  const replyName = property(channel.properties, 'replyChannel');
  const replyChannel = bus.channels.find(({ name }) => name === replyName);
  if (replyChannel === undefined) {
    const what =
      replyName === undefined
        ? 'has no property "replyChannel"'
        : `names "${replyName}" as replyChannel, which the bus does not have`;
    throw descriptorInvalid(bus, `channel "${channel.name}" ${what}`);
  }
  const moduleReference = property(channel.properties, 'module') ?? property(bus.properties, 'module');
  if (moduleReference === undefined) {
    throw descriptorInvalid(
      bus,
      `channel "${channel.name}": neither it nor the bus has a property "module" (./dist/tasks.js#runTask)`,
    );
  }
  return { channel, replyChannel, moduleReference };
}

function property(properties: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(properties, name) ? properties[name] : undefined;
}
