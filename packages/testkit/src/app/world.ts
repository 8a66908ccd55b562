import { type BusDescription, LoopbackProvider } from '@aep/bus';
import { AepError, SeededRandom } from '@aep/kernel';
import { MessageMetadata, type MessageView } from '@aep/messages';
import type { CrashOutcome } from '@aep/store';
import { type FromOutside, Outside, type OutsideMessage } from '../bus/outside.js';
import { RecordingProvider } from '../bus/recording-provider.js';
import { TestTime } from '../time/test-time.js';
import { AppProcess, type AppProcessOptions } from './app-process.js';
import { type ChannelDefinitions, MESSAGES_WAITING_MAX, type OwnChannels, TestChannels } from './channels.js';
import { PoolCheck } from './pool-check.js';

export interface WorldOptions {
  readonly channels: ChannelDefinitions;
  readonly seed: number;
  /** Wall time at the start. */
  readonly startAtMs: number | undefined;
}

export type ProcessSetup<A extends object> = Omit<AppProcessOptions<A>, 'time' | 'seed'> & {
  readonly channels: OwnChannels;
};

/** Applications on one bus and one virtual time, and the outside world that sends them messages. */
export class World {
  readonly time: TestTime;
  readonly bus: RecordingProvider;
  readonly channels: TestChannels;
  readonly pools = new PoolCheck();
  readonly processes: AppProcess[] = [];
  private readonly outside: Outside;
  private last: OutsideMessage | undefined;

  constructor(private readonly options: WorldOptions) {
    const inner = new LoopbackProvider();
    this.time = new TestTime(options.startAtMs);
    this.bus = new RecordingProvider(inner);
    this.channels = new TestChannels(options.channels);
    this.outside = new Outside(inner, this.time.clock, new SeededRandom(options.seed));
  }

  add<A extends object, S>(setup: ProcessSetup<A>): AppProcess<A, S> {
    const { channels, ...options } = setup;
    const process = new AppProcess<A, S>({
      ...options,
      time: this.time,
      seed: this.options.seed + this.processes.length,
    });
    this.channels.enroll(process.name, process.definition, channels);
    process.buses = this.channels.usesFor(this.bus, channels);
    this.processes.push(process as AppProcess);
    return process;
  }

  async start(): Promise<void> {
    this.pools.begin(this.processes.map(({ definition }) => definition));
    for (const process of this.processes) await process.start();
    await this.time.settle();
  }

  /** Puts a message on the bus as if another engine had sent it. Takes the view over. @throws what resolving its key throws */
  async deliver(channelName: string, view: MessageView, from: FromOutside): Promise<OutsideMessage> {
    const { bus, description, template, keyTable } = this.channels.get(channelName);
    const key =
      from.key ??
      (template.isStatic ? template.staticKey : template.bind(view.$type).resolve(view, undefined, keyTable));
    const message = this.outside.make(bus, description, view, { ...from, key });
    this.last = message;
    await this.send(bus, message);
    return message;
  }

  /** The last message once more, with the same numbers. @throws AEP_TEST_NOTHING_DELIVERED */
  async redeliverLast(): Promise<void> {
    const { last } = this;
    if (last === undefined) {
      throw new AepError(
        'AEP_TEST_NOTHING_DELIVERED',
        'reject',
        'redeliverLast(): no message was delivered by when or given',
      );
    }
    const metadata = new MessageMetadata();
    metadata.copyFrom(last.metadata);
    metadata.possibleDuplicate = true;
    const { bus } = this.channels.get(last.channel.name);
    await this.send(bus, { ...last, metadata });
  }

  private async send(bus: BusDescription, message: OutsideMessage): Promise<void> {
    const attempt = () => this.time.until(this.outside.send(bus, message), 'the delivery');
    if ((await attempt()) === 'accepted') return;
    // As many wait as the bus takes: whoever reads makes room.
    await this.time.settle();
    if ((await attempt()) !== 'accepted') throw notTaken(message);
  }

  /** The key patterns with which an application joins a channel; undefined when it does not. */
  joinOf(app: string, channel: string): readonly string[] | undefined {
    return this.channels.get(channel).bus.roster.find((one) => one.app === app && one.channel === channel)?.patterns;
  }

  crash(outcome: CrashOutcome, processes: readonly AppProcess[] = this.processes): void {
    for (const process of processes) process.crash(outcome);
    this.pools.interrupt();
  }

  async close(): Promise<void> {
    const { bus, time } = this;
    bus.goUp();
    bus.acceptSends();
    bus.releaseConfirmations();
    bus.releaseDeliveries();
    await time.settle();
    for (const process of this.processes) await process.end();
    await time.until(this.outside.close(), 'closing the bus');
  }
}

function notTaken({ channel, bus }: OutsideMessage): AepError {
  return new AepError(
    'AEP_TEST_NOT_TAKEN',
    'retry',
    `bus "${bus}" does not take the message for "${channel.name}": ${MESSAGES_WAITING_MAX} wait for one application; is it reading?`,
    { channel: channel.name, bus },
  );
}
