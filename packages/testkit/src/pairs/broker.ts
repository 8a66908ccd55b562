import type { Binding, BindingOptions, BusDescription, BusProvider, Outbound } from '@aep/bus';
import type { Clock, Random } from '@aep/kernel';
import { MessageMetadata } from '@aep/messages';
import { BrokerBinding } from './broker-binding.js';
import type { WorldObserver } from './observer.js';
import type { MachineLife } from './machine.js';
import { Pipe } from './pipe.js';

/** A message as the broker keeps it. */
export interface BrokerMessage {
  readonly channel: string;
  readonly key: string;
  readonly metadata: MessageMetadata;
  readonly bytes: Uint8Array;
}

export interface BrokerInput extends BrokerMessage {
  isAcknowledged: boolean;
}

export interface BrokerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly description: BusDescription;
  /** Travel time, drawn for each message, acknowledgement and confirmation; order is kept. */
  readonly delayMs: () => number;
  /** Inputs handed to one process and not acknowledged by it. */
  readonly windowMax: number;
  readonly observer: WorldObserver;
}

/**
 * The world outside of a group: a broker that has custody. It never loses what it has taken; it delivers inputs in their order,
 * again after every broken connection, to every process that asks (a deposed primary may still be connected); what it says and
 * hears may get lost with a connection.
 */
export class Broker {
  readonly inputs: BrokerInput[] = [];
  readonly received: BrokerMessage[] = [];
  readonly sessions = new Map<MachineLife, BrokerSession>();
  private readonly cutOff = new Set<string>();

  constructor(readonly options: BrokerOptions) {}

  /** The bus as the engine of this process has it. */
  providerFor(life: MachineLife): BusProvider {
    return {
      name: 'broker',
      supports: {
        guaranteed: true,
        wildcardJoin: true,
        crossProcess: true,
        reconnect: true,
        dynamicJoin: true,
        custody: 'broker',
      },
      createBinding: (options: BindingOptions): Binding => new BrokerBinding(options, this, life),
    };
  }

  /** A client has handed this over. */
  publish(message: BrokerMessage): void {
    this.inputs.push({ ...message, isAcknowledged: false });
    for (const session of this.sessions.values()) session.pump();
  }

  get areInputsAcknowledged(): boolean {
    return this.inputs.every(({ isAcknowledged }) => isAcknowledged);
  }

  /** undefined while this machine cannot reach the broker. */
  connect(life: MachineLife, binding: BrokerBinding): BrokerSession | undefined {
    if (life.clock.isDead || this.cutOff.has(life.machine.name)) return undefined;
    this.disconnect(life);
    const session = new BrokerSession(this, life, binding);
    this.sessions.set(life, session);
    return session;
  }

  /** The connection breaks: both sides notice at once, and of what was under way nobody knows how much has arrived. */
  disconnect(life: MachineLife): void {
    const session = this.sessions.get(life);
    if (session === undefined) return;
    this.sessions.delete(life);
    session.end();
  }

  disconnectMachine(name: string): void {
    for (const life of this.sessions.keys()) if (life.machine.name === name) this.disconnect(life);
  }

  cutOffMachine(name: string): void {
    this.cutOff.add(name);
    this.disconnectMachine(name);
  }

  reconnectMachine(name: string): void {
    this.cutOff.delete(name);
  }
}

/** One connection of a process. */
export class BrokerSession {
  isJoined = false;
  private isEnded = false;
  private next = 0;
  private unacknowledged = 0;
  private readonly toProcess: Pipe;
  private readonly toBroker: Pipe;

  constructor(
    private readonly broker: Broker,
    private readonly life: MachineLife,
    private readonly binding: BrokerBinding,
  ) {
    const { clock, delayMs } = broker.options;
    this.toProcess = new Pipe(clock, delayMs, () => false);
    this.toBroker = new Pipe(clock, delayMs, () => false);
  }

  // The process calls.

  join(): void {
    this.toBroker.put(() => {
      this.isJoined = true;
      this.tell(() => this.binding.joined());
      this.pump();
    });
  }

  send(outbound: Outbound): void {
    const message = copyOf(outbound);
    this.toBroker.put(() => {
      this.broker.received.push(message);
      this.broker.options.observer.onReceived?.(message);
      this.tell(() => this.binding.confirmed(outbound));
    });
  }

  acknowledge(input: BrokerInput): void {
    this.toBroker.put(() => {
      input.isAcknowledged = true;
      this.unacknowledged--;
      this.pump();
    });
  }

  // The broker calls.

  pump(): void {
    const { inputs, options } = this.broker;
    while (this.isJoined && !this.isEnded && this.next < inputs.length && this.unacknowledged < options.windowMax) {
      const input = inputs[this.next++]!;
      if (input.isAcknowledged) continue;
      this.unacknowledged++;
      this.tell(() => this.binding.arrived(input));
    }
  }

  end(): void {
    this.isEnded = true;
    this.toProcess.cut();
    // TCP: what the process wrote arrives up to some point.
    this.toBroker.cut(this.broker.options.random.below(this.toBroker.size + 1));
    this.life.clock.run(() => this.binding.lost(this));
  }

  private tell(call: () => void): void {
    this.toProcess.put(() =>
      this.life.clock.run(() => {
        // A paused process may find that the connection has ended when it goes on.
        if (!this.isEnded) call();
      }),
    );
  }
}

function copyOf({ channel, key, metadata, bytes, start, end }: Outbound): BrokerMessage {
  const copy = new MessageMetadata();
  copy.copyFrom(metadata);
  return { channel: channel.name, key, metadata: copy, bytes: bytes.slice(start, end) };
}
