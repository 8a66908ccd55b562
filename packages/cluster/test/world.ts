import assert from 'node:assert/strict';
import {
  type EngineMaker,
  type MarkName,
  Member,
  type MemberEvent,
  type MemberLimits,
  type MemberOptions,
  MemoryArbiterFaults,
  MemoryRegister,
  type ReplayPort,
} from '@aep/cluster';
import { type AepError, FunctionLog, type Log, ProcessClock, SeededRandom, VirtualClock } from '@aep/kernel';
import { type Link, type LinkHandler, MemoryNetwork, type Network } from '@aep/net';
import { MemoryDisk, MemoryFaults, MemoryStoreMaker, type Store, Table } from '@aep/store';
import { tapNetwork } from './tapped-network.js';
import { Released, TestEngines } from './test-engine.js';

export interface LifeOptions extends Partial<Omit<MemberOptions, 'group' | 'name' | 'address' | 'limits'>> {
  readonly limits?: Partial<MemberLimits>;
}

/** One life of a member's process. */
export interface Life {
  readonly member: Member;
  readonly clock: ProcessClock;
  readonly maker: MemoryStoreMaker;
  readonly engines: TestEngines;
  readonly random: SeededRandom;
  readonly events: MemberEvent[];
  readonly stopped: { cause: AepError | undefined; is: boolean; isAsked: boolean };
}

/** One machine: what survives the death of its process. */
export class Machine {
  disk = new MemoryDisk();
  readonly faults = new MemoryFaults();
  readonly arbiter = new MemoryArbiterFaults();
  life: Life | undefined;

  constructor(readonly name: string) {}

  get member(): Member {
    return this.life!.member;
  }

  get role(): string {
    return this.life === undefined ? 'dead' : this.member.status().role;
  }

  /** Writes records when an engine runs here; answers how many were taken. */
  write(count: number): number {
    return this.life?.engines.current?.write(count, this.name) ?? 0;
  }
}

/** Members on a virtual clock, over a network, an arbiter and disks in memory. */
export class World {
  readonly clock = new VirtualClock();
  readonly network: MemoryNetwork;
  readonly register = new MemoryRegister();
  readonly released = new Released();
  /** Gets a line for each frame between members. */
  tap: ((line: string) => void) | undefined;
  makeReplay: ((name: string) => ReplayPort) | undefined;
  /** Other engines than those that write records when told to. */
  makeEngines: ((parts: { clock: ProcessClock; random: SeededRandom; log: Log }) => EngineMaker) | undefined;
  readonly marks = new Map<MarkName, number>();
  readonly lines: string[] = [];
  readonly machines: readonly Machine[];
  private readonly random: SeededRandom;

  constructor(
    names: readonly string[],
    private readonly options: LifeOptions = {},
    seed = 1,
  ) {
    this.random = new SeededRandom(seed);
    this.network = new MemoryNetwork({ clock: this.clock, random: new SeededRandom(seed + 1), delayMs: 0.1 });
    this.machines = names.map((name) => new Machine(name));
  }

  machine(name: string): Machine {
    return this.machines.find((one) => one.name === name)!;
  }

  boot(name: string, options: LifeOptions = {}): Life {
    const machine = this.machine(name);
    if (machine.life?.stopped.is === true) this.kill(name);
    const clock = new ProcessClock(this.clock);
    const random = new SeededRandom(this.random.uint32());
    const maker = new MemoryStoreMaker({
      clock,
      disk: machine.disk,
      faults: machine.faults,
      random,
      engineName: 'app',
    });
    const engines = new TestEngines(clock, this.released);
    const { makeEngines } = this;
    const events: MemberEvent[] = [];
    const stopped: Life['stopped'] = { cause: undefined, is: false, isAsked: false };
    const log = new FunctionLog(({ level, message, facts }) => {
      this.lines.push(`${this.clock.monotonicMs().toFixed(1)} ${name} ${level} ${message} ${JSON.stringify(facts)}`);
    });
    const member = new Member(
      { group: 'app', name, address: '127.0.0.1:0', version: '0.1.0', ...this.options, ...options },
      {
        clock,
        random,
        network: this.networkOf(name, clock),
        arbiter: this.register.connect({ clock, faults: machine.arbiter }),
        stores: maker,
        engines: makeEngines?.({ clock, random, log }) ?? engines,
        log,
        ...(this.makeReplay === undefined ? {} : { replay: this.makeReplay(name) }),
        onEvent: (event) => void events.push(event),
        onMark: (mark) => void this.marks.set(mark, (this.marks.get(mark) ?? 0) + 1),
        onStopped: (cause) => Object.assign(stopped, { cause, is: true }),
      },
    );
    machine.life = { member, clock, maker, engines, random, events, stopped };
    member.start();
    return machine.life;
  }

  bootAll(): void {
    for (const { name } of this.machines) this.boot(name);
  }

  private networkOf(name: string, clock: ProcessClock): Network {
    const network = new ProcessNetwork(this.network.node(name), clock);
    const { tap } = this;
    return tap === undefined ? network : tapNetwork(network, name, (port) => this.listenerAt(port), tap);
  }

  private listenerAt(port: number): string {
    const isAt = ({ life }: Machine): boolean => life?.member.status().address.endsWith(`:${port}`) === true;
    return this.machines.find(isAt)?.name ?? 'nobody';
  }

  /** kill -9 */
  kill(name: string, outcome: 'lost' | 'kept' | 'torn' | 'chance' = 'lost'): void {
    const machine = this.machine(name);
    machine.life!.clock.kill();
    machine.life!.maker.crash(outcome);
    machine.life = undefined;
    this.network.crash(name);
  }

  loseDisk(name: string): void {
    this.machine(name).disk = new MemoryDisk();
  }

  pause(name: string): void {
    this.machine(name).life!.clock.pause();
  }

  resume(name: string): void {
    this.machine(name).life!.clock.resume();
  }

  cut(one: string, other: string): void {
    this.network.block(one, other);
    this.network.block(other, one);
  }

  heal(one: string, other: string): void {
    this.network.unblock(one, other);
    this.network.unblock(other, one);
  }

  healAll(): void {
    for (const one of this.machines)
      for (const other of this.machines) if (one !== other) this.network.unblock(one.name, other.name);
  }

  /** Moves the clock, and lets promises settle in between. */
  async advance(durationMs: number, stepMs = 1): Promise<void> {
    const endMs = this.clock.monotonicMs() + durationMs;
    while (this.clock.monotonicMs() < endMs) {
      this.clock.advance(Math.min(stepMs, endMs - this.clock.monotonicMs()));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async until(what: string, condition: () => boolean, virtualMsMax = 20_000): Promise<void> {
    const endMs = this.clock.monotonicMs() + virtualMsMax;
    while (!condition()) {
      if (this.clock.monotonicMs() > endMs) assert.fail(`never came: ${what}\n${this.tail()}`);
      await this.advance(1);
    }
  }

  tail(count = 60): string {
    return this.lines.slice(-count).join('\n');
  }

  /** This one is the primary for itself, and its engine runs; another one that has not noticed yet may be so, too. */
  works(name: string): boolean {
    const machine = this.machine(name);
    return machine.role === 'primary' && machine.life?.engines.current?.isWorking === true;
  }

  get primary(): Machine | undefined {
    return this.machines.find((one) => one.role === 'primary' && one.life?.engines.current?.isWorking === true);
  }

  /** All machines that run are listed, one is the primary and its engine runs, and all have the same records. */
  async untilWhole(): Promise<Machine> {
    await this.until('a whole group', () => this.isWhole());
    return this.primary!;
  }

  isWhole(): boolean {
    const running = this.machines.filter((one) => one.life !== undefined);
    const statuses = running.map((one) => one.member.status());
    const { primary } = this;
    if (primary === undefined) return false;
    const { lastTxId, stableTxId, register } = primary.member.status();
    if (stableTxId !== lastTxId || register!.members.length !== running.length) return false;
    return statuses.every(
      (status) =>
        status.lastTxId === lastTxId && (status.role === 'primary' || (status.role === 'backup' && status.isLinked)),
    );
  }

  /** Writes on whoever is the primary and waits until it is stable. */
  async write(count: number): Promise<void> {
    const primary = this.primary!;
    assert.equal(primary.write(count), count);
    const { lastTxId } = primary.member.status();
    await this.until('stability', () => primary.member.status().stableTxId >= lastTxId);
  }

  /** Nothing released is missing or different anywhere, nor released twice with another content. */
  checkReleased(): void {
    assert.deepEqual(this.released.conflicts, []);
    for (const machine of this.machines) {
      if (machine.life === undefined) continue;
      const store = storeOf(machine);
      const values = valuesOf(store);
      for (const [txId, value] of this.released.values)
        if (txId >= store.journal.firstTxId)
          assert.equal(values.get(txId), value, `record ${txId} at ${machine.name}\n${this.tail()}`);
    }
  }
}

function storeOf(machine: Machine): Store {
  return (machine.life!.maker as unknown as { current: Store }).current;
}

/** What each record of a journal put. */
function valuesOf(store: Store): Map<number, string> {
  const values = new Map<number, string>();
  for (const { txId, bytes } of store.journal.read(store.journal.firstTxId)) {
    const text = Buffer.from(bytes).toString('latin1');
    values.set(txId, /<\d+ by [a-z] in \d+>/.exec(text)?.[0] ?? '');
  }
  return values;
}

/** The tables as text, for comparing members. */
export function tablesOf(machine: Machine): string[] {
  const { tables } = storeOf(machine);
  const lines: string[] = [];
  for (const tableId of [1, Table.sequences, Table.dedupe])
    for (const { key, value } of tables.range(tableId))
      lines.push(`${tableId} ${Buffer.from(key).toString('latin1')} ${Buffer.from(value).toString('latin1')}`);
  return lines;
}

export { storeOf };

/** The network of a process that can be paused or killed. */
class ProcessNetwork implements Network {
  constructor(
    private readonly network: Network,
    private readonly clock: ProcessClock,
  ) {}

  listen(address: Parameters<Network['listen']>[0], handler: Parameters<Network['listen']>[1]) {
    return this.network.listen(address, {
      onListening: (bound) => this.clock.run(() => handler.onListening(bound)),
      onLink: (link) => this.late((into) => into(handler.onLink(link))),
      onFailed: (cause) => this.clock.run(() => handler.onFailed(cause)),
    });
  }

  connect(address: Parameters<Network['connect']>[0], handler: LinkHandler): Link {
    return this.network.connect(address, this.gated(handler));
  }

  /** A connection that comes in while the process is paused waits in the operating system. */
  private late(accept: (into: (handler: LinkHandler) => void) => void): LinkHandler {
    const calls: ((handler: LinkHandler) => void)[] = [];
    let known: LinkHandler | undefined;
    this.clock.run(() =>
      accept((handler) => {
        known = handler;
        for (const call of calls.splice(0)) call(handler);
      }),
    );
    const call = (action: (handler: LinkHandler) => void): void =>
      this.clock.run(() => (known === undefined ? void calls.push(action) : action(known)));
    return forwarding(call);
  }

  private gated(handler: LinkHandler): LinkHandler {
    return forwarding((action) => this.clock.run(() => action(handler)));
  }
}

function forwarding(call: (action: (handler: LinkHandler) => void) => void): LinkHandler {
  return {
    onOpen: () => call((handler) => handler.onOpen()),
    onBytes: (bytes) => call((handler) => handler.onBytes(bytes)),
    onWritten: (chunk) => call((handler) => handler.onWritten(chunk)),
    onClose: (cause) => call((handler) => handler.onClose(cause)),
  };
}
