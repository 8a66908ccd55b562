import { AepError, didYouMean, hashString, toError } from '@aep/kernel';
import type { MessageType, TypeRegistry } from '@aep/messages';
import type { AppDefinition } from '../app/app-definition.js';
import { matchesSource } from '../app/handler-table.js';
import type { BusUse, ConcludedEngineOptions } from '../engine-options.js';
import type { LoopTime } from '../transaction/loop-time.js';
import { BusPort, type BusPortListener } from './bus-port.js';
import { ChannelPort } from './channel-port.js';

/**
 * - `stopped`: no bus is open.
 * - `starting`: buses are being opened and channels joined.
 * - `started`: at least what `messagingStartFailPolicy` asks for is up.
 * - `stopping`: sends are flushed, nothing is read.
 * - `failed`: it is not; the engine runs without buses and says so (E6).
 */
export type MessagingState = 'stopped' | 'starting' | 'started' | 'stopping' | 'failed';

const REOPEN_FIRST_MS = 200;
const REOPEN_MAX_MS = 15_000;

export interface OpenFailure {
  readonly bus: BusPort;
  readonly error: AepError;
}

/** All buses of one engine: opened together, joined, closed together (E1, E4, E91). */
export class Messaging {
  readonly buses = new Map<string, BusPort>();
  /** The same, for what is asked before each event. */
  private readonly list: BusPort[] = [];
  /** By slot; slot 0 stands for the inside of the process. */
  readonly ports: ChannelPort[] = [];
  private isOpen = false;
  private readonly uses = new Map<BusPort, BusUse>();

  constructor(
    private readonly options: ConcludedEngineOptions,
    private readonly listener: BusPortListener,
    private readonly types: TypeRegistry,
    time: LoopTime,
  ) {
    const { limits } = options;
    for (const use of options.buses) {
      const bus = new BusPort(use, listener, limits.outboundPendingMax, time);
      this.buses.set(bus.name, bus);
      this.list.push(bus);
      this.uses.set(bus, use);
      this.addChannels(bus, use);
    }
    this.checkSources(options.app);
    checkSenderIds(options);
  }

  get areFull(): boolean {
    const { list } = this;
    for (let index = 0; index < list.length; index++) if (list[index]!.isFull) return true;
    return false;
  }

  /** The first channel whose join is not in force yet on a bus that is up; undefined when there is none (E1). */
  get joining(): ChannelPort | undefined {
    return this.ports.find((port) => port.joined && !port.isUp && port.bus.state === 'up');
  }

  /** Opens every bus and joins its channels; resolves with the errors of those that did not open. */
  async open(): Promise<OpenFailure[]> {
    this.isOpen = true;
    const attempts = [...this.uses].map(async ([bus, use]): Promise<OpenFailure | undefined> => {
      const error = await this.tryOpen(bus, use);
      if (error === undefined) return undefined;
      this.reopenLater(bus, use, error, 0);
      return { bus, error };
    });
    return (await Promise.all(attempts)).filter((failure) => failure !== undefined);
  }

  private async tryOpen(bus: BusPort, use: BusUse): Promise<AepError | undefined> {
    try {
      await this.openBus(bus, use);
      return undefined;
    } catch (thrown) {
      if (thrown instanceof AepError) return thrown;
      return new AepError(
        'AEP_BUS_OPEN_FAILED',
        'retry',
        `bus "${bus.name}" did not open: ${toError(thrown).message}`,
        { bus: bus.name },
        thrown,
      );
    }
  }

  private openBus(bus: BusPort, use: BusUse): Promise<void> {
    const { options } = this;
    bus.state = 'opening';
    // A malformed description throws here, inside the attempt: it fails this bus, never the process (E6).
    const binding = use.provider.createBinding({
      bus: use.description,
      app: options.name,
      clock: options.clock,
      random: options.random,
      log: options.log.child({ bus: bus.name }),
      listener: bus,
      failPolicy: use.failPolicy ?? 'Reconnect',
      unacknowledgedMax: options.limits.inboundQueueMax + options.limits.transactionsInFlightMax,
      unconfirmedMax: options.limits.outboundPendingMax,
      messageBytesMax: options.limits.messageBytesMax,
    });
    bus.binding = binding;
    return new Promise((resolve, reject) => {
      binding.open((error) => {
        if (error !== undefined) return reject(error);
        for (const port of bus.channels.values()) if (port.joined) binding.join(port.description, port.patterns);
        bus.opened();
        resolve();
      });
    });
  }

  /** A bus that was not there at the start is tried again, unless it can never open (E91). */
  private reopenLater(bus: BusPort, use: BusUse, error: AepError, attempt: number): void {
    const { clock, random } = this.options;
    if ((use.failPolicy ?? 'Reconnect') === 'Fail' || error.advice !== 'retry') {
      bus.state = 'failed';
      return;
    }
    bus.state = 'down';
    const delayMs = Math.min(REOPEN_MAX_MS, REOPEN_FIRST_MS * 2 ** attempt) * (0.5 + random.float() / 2);
    clock.schedule(delayMs, () => {
      if (!this.isOpen || bus.state !== 'down') return;
      void this.tryOpen(bus, use).then((again) => {
        if (!this.isOpen) return;
        if (again === undefined) this.listener.onBusUp(bus);
        else this.reopenLater(bus, use, again, attempt + 1);
      });
    });
  }

  /** First half of a stop: nothing new comes in. */
  stopReading(): void {
    for (const bus of this.buses.values()) bus.binding?.stopReading();
  }

  async close(preserveJoins: (port: BusPort) => boolean): Promise<void> {
    this.isOpen = false;
    await Promise.all([...this.buses.values()].map((bus) => bus.close(preserveJoins(bus))));
  }

  halt(): void {
    for (const bus of this.buses.values()) bus.halt();
  }

  flush(): void {
    for (const bus of this.buses.values()) bus.flush();
  }

  resume(): void {
    for (const bus of this.buses.values()) bus.binding?.resume();
  }

  private addChannels(bus: BusPort, use: BusUse): void {
    const uses = new Map((use.channels ?? []).map((channel) => [channel.name, channel]));
    const known = use.description.channels.map((channel) => channel.name);
    for (const name of uses.keys()) {
      if (known.includes(name)) continue;
      throw new AepError(
        'AEP_CHANNEL_UNKNOWN',
        'reject',
        `bus "${bus.name}" has no channel "${name}"${didYouMean(name, known)}`,
        { bus: bus.name, channel: name },
      );
    }
    for (const description of use.description.channels) {
      const slot = this.ports.length + 1;
      const channel = uses.get(description.name) ?? { name: description.name };
      const join = channel.join === true || isSource(this.options.app, bus.name, description.name);
      const port = new ChannelPort(bus, description, slot, { ...channel, join });
      port.defaultType = this.findType(port, channel.defaultType);
      bus.channels.set(description.name, port);
      this.ports.push(port);
    }
  }

  private findType(port: ChannelPort, name: string | undefined): MessageType | undefined {
    if (name === undefined) return undefined;
    const type = this.types.byName(name);
    // An app that only sends there need not know it.
    if (type !== undefined || !port.joined) return type;
    const nearest = this.types.nearest(name);
    throw new AepError(
      'AEP_DEFAULT_TYPE_UNKNOWN',
      'reject',
      `channel ${port.where}: no factory of the application has the default type "${name}"${nearest === undefined ? '' : `: did you mean "${nearest}"?`}`,
      { channel: port.where, type: name },
    );
  }

  /** A handler that names a source which does not exist would never be called: said at the start, not found out later. */
  private checkSources(app: AppDefinition): void {
    for (const { source, name } of app.messageHandlers) {
      if (
        source === undefined ||
        this.ports.some((port) => matchesSource(source, port.bus.name, port.description.name))
      )
        continue;
      const places = this.ports.map((port) => port.where);
      throw new AepError(
        'AEP_CHANNEL_UNKNOWN',
        'reject',
        `${name}: its source "${source}" is no channel of the application${didYouMean(source, places)}`,
        { handler: name, source },
      );
    }
  }
}

/** E86: a channel is joined because a handler names it as its source; `@bus` alone names none. */
function isSource(app: AppDefinition, bus: string, channel: string): boolean {
  return app.messageHandlers.some(
    ({ source, localOnly }) =>
      !localOnly && source !== undefined && !source.startsWith('@') && matchesSource(source, bus, channel),
  );
}

/** E50: receivers tell senders apart by a 32-bit hash of the engine's name, so no two known names may share one. */
function checkSenderIds({ name, buses }: ConcludedEngineOptions): void {
  const names = new Map([[hashString(name), name]]);
  for (const { description } of buses) {
    for (const { app } of description.roster) {
      const other = names.get(hashString(app));
      if (other !== undefined && other !== app) {
        throw new AepError(
          'AEP_SENDER_ID_CLASH',
          'reject',
          `bus "${description.name}": the engines "${other}" and "${app}" have the same sender id ${hashString(app)}: rename one of them`,
          { bus: description.name, names: `${other}, ${app}`, senderId: hashString(app) },
        );
      }
      names.set(hashString(app), app);
    }
  }
}
