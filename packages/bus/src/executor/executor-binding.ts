import { AepError, hashString, RingQueue } from '@aep/kernel';
import type { BindingOptions, ChannelDescription, Delivery, Outbound } from '../binding-contract.js';
import { BusBinding, channelUnknown } from '../bus-binding.js';
import { copyOutbound } from '../outbound-copy.js';
import type { ExecutorOptions, TaskChannelOptions } from './executor-options.js';
import { encodeFailure } from './failure-message.js';
import { RunnerPool } from './runner-pool.js';
import type { ExecutorTask } from './task.js';
import type { TaskOutcome, TaskRunnerFactory } from './task-runner.js';
import { TaskSlot } from './task-slot.js';

/** One task channel: its tasks in the order of their sends, which is the order of their results. */
interface TaskLane {
  readonly options: TaskChannelOptions;
  readonly pool: RunnerPool;
  /** Sender id of the results. */
  readonly senderId: number;
  readonly slots: RingQueue<TaskSlot>;
  /** Slots that wait for a runner. */
  readonly waiting: RingQueue<TaskSlot>;
}

/** The executor bus of one app (E65): sends are tasks, deliveries are results. */
export class ExecutorBinding extends BusBinding {
  private readonly lanes = new Map<string, TaskLane>();
  private readonly pools = new Map<string, RunnerPool>();
  private readonly joined = new Set<string>();
  private readonly joining: ChannelDescription[] = [];
  private finished: Outbound[] = [];
  private isTurnPlanned = false;
  private isRoomAgain = false;
  private readonly turn = (): void => this.runTurn();

  constructor(
    options: BindingOptions,
    private readonly executor: ExecutorOptions,
    makeRunner: TaskRunnerFactory,
  ) {
    super(options);
    for (const taskChannel of executor.taskChannels) {
      const { moduleReference, channel } = taskChannel;
      const pool =
        this.pools.get(moduleReference) ?? new RunnerPool(moduleReference, executor, makeRunner, options.clock);
      this.pools.set(moduleReference, pool);
      this.lanes.set(channel.name, {
        options: taskChannel,
        pool,
        senderId: hashString(`executor:${options.bus.name}/${channel.name}`),
        slots: new RingQueue(executor.queueMax),
        waiting: new RingQueue(executor.queueMax),
      });
    }
  }

  protected override doOpen(done: (error: AepError | undefined) => void): void {
    let waiting = this.pools.size;
    let failure: AepError | undefined;
    for (const pool of this.pools.values()) {
      pool.start((error) => {
        failure ??= error;
        if (--waiting > 0) return;
        if (failure !== undefined) this.stopPools();
        done(failure);
      });
    }
  }

  protected override doJoin(channel: ChannelDescription, _patterns: readonly string[]): void {
    const known = this.options.bus.channels.find(({ name }) => name === channel.name);
    if (known === undefined) throw channelUnknown(this.options.bus.name, channel.name);
    this.joining.push(known);
    this.planTurn();
  }

  protected override doSend(outbound: Outbound, isGuaranteed: boolean): boolean {
    const { bus } = this.options;
    const lane = this.lanes.get(outbound.channel.name);
    if (lane === undefined) throw this.refuseChannel(outbound.channel.name, bus.name);
    if (lane.slots.isFull) return false;
    const slot = new TaskSlot(
      lane.options.replyChannel,
      isGuaranteed ? outbound : copyOutbound(outbound),
      isGuaranteed,
    );
    lane.slots.offer(slot);
    lane.waiting.offer(slot);
    this.planTurn();
    return true;
  }

  protected override doFlush(): void {
    // Tasks start in the next turn anyway.
  }

  protected override doAcknowledge(delivery: Delivery): void {
    this.finish(delivery as TaskSlot);
  }

  protected override doResume(): void {
    this.planTurn();
  }

  protected override doStopReading(): void {
    // `canDeliver` says no from now on; results are computed again after the next start.
  }

  protected override doClose(_preserveJoins: boolean, done: () => void): void {
    // Tasks that are not confirmed are in doubt and are sent again by the next binding (E37).
    this.stopPools();
    done();
  }

  private runTurn(): void {
    this.isTurnPlanned = false;
    if (this.state !== 'open') return;
    for (const channel of this.joining.splice(0)) {
      this.options.listener.onChannelUp(channel);
      this.joined.add(channel.name);
    }
    const finished = this.finished;
    this.finished = [];
    for (const outbound of finished) this.confirm(outbound);
    for (const lane of this.lanes.values()) {
      this.startTasks(lane);
      this.deliverResults(lane);
    }
    if (!this.isRoomAgain) return;
    this.isRoomAgain = false;
    this.writable();
  }

  private startTasks(lane: TaskLane): void {
    while (!lane.pool.isBusy) {
      const slot = lane.waiting.poll();
      if (slot === undefined) return;
      slot.attempts++;
      const task = taskOf(slot);
      lane.pool.run(task, (outcome) => this.onOutcome(lane, slot, outcome));
    }
  }

  private onOutcome(lane: TaskLane, slot: TaskSlot, outcome: TaskOutcome): void {
    if (this.state === 'closed' || this.state === 'closing') return;
    const { clock, log, messageBytesMax } = this.options;
    const { attemptsMax, retryMs } = this.executor;
    let failure = outcome.kind === 'error' ? outcome.reason : undefined;
    if (outcome.kind === 'result' && (outcome.result?.bytes.length ?? 0) > messageBytesMax) {
      failure = `its result has ${outcome.result!.bytes.length} bytes, at most ${messageBytesMax} are allowed (messageBytesMax)`;
    }
    if (failure === undefined && outcome.kind === 'result') {
      slot.complete(outcome.result, lane.senderId, clock.wallMs());
    } else if (slot.attempts < attemptsMax) {
      clock.schedule(retryMs * 2 ** Math.min(slot.attempts - 1, 10), () => {
        lane.waiting.offerFirst(slot);
        this.planTurn();
      });
    } else {
      const facts = { channel: lane.options.channel.name, sno: slot.outbound.metadata.sno, attempts: slot.attempts };
      log.log('error', `a task has failed for good: ${failure}`, facts);
      slot.complete(
        encodeFailure(taskOf(slot), slot.outbound.metadata.sno, failure ?? ''),
        lane.senderId,
        clock.wallMs(),
      );
    }
    this.planTurn();
  }

  /** In the order of the tasks: a result that is ready waits for those before it. */
  private deliverResults(lane: TaskLane): void {
    for (let slot = lane.slots.peek(); slot !== undefined && slot.isDone; slot = lane.slots.peek()) {
      if (slot.hasResult) {
        if (!this.canDeliver || !this.joined.has(slot.channel.name) || !this.deliver(slot)) return;
      } else {
        this.finish(slot);
      }
      lane.slots.poll();
      this.isRoomAgain = true;
    }
  }

  private finish(slot: TaskSlot): void {
    if (slot.isGuaranteed) this.finished.push(slot.outbound);
    this.planTurn();
  }

  private planTurn(): void {
    if (this.isTurnPlanned) return;
    this.isTurnPlanned = true;
    this.options.clock.defer(this.turn);
  }

  private stopPools(): void {
    for (const pool of this.pools.values()) pool.stop();
  }

  private refuseChannel(channel: string, bus: string): AepError {
    if (!this.options.bus.channels.some(({ name }) => name === channel)) return channelUnknown(bus, channel);
    return new AepError(
      'AEP_EXECUTOR_REPLY_CHANNEL',
      'reject',
      `bus "${bus}": channel "${channel}" carries results; tasks go to ${[...this.lanes.keys()].join(', ')}`,
      { bus, channel },
    );
  }
}

/** A task with bytes of its own: they may move to another thread. */
function taskOf(slot: TaskSlot): ExecutorTask {
  const { channel, key, metadata, bytes, start, end } = slot.outbound;
  return {
    channel: channel.name,
    key,
    factoryId: metadata.factoryId,
    typeId: metadata.typeId,
    bytes: bytes.slice(start, end),
    attempt: slot.attempts,
    taskId: `${metadata.senderId}.${metadata.incarnation}.${metadata.flow}.${metadata.sno}`,
  };
}
