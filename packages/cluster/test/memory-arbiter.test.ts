import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AepError, VirtualClock } from '@aep/kernel';
import { type Arbiter, type GroupRecord, type MemoryArbiter, MemoryArbiterFaults, MemoryRegister } from '@aep/cluster';
import { arbiterContract, type ArbiterHarness } from '@aep/cluster/contract';

arbiterContract('memory', { outage: true, kill: true }, async () => new MemoryHarness());

class MemoryHarness implements ArbiterHarness {
  private readonly clock = new VirtualClock();
  private readonly registers = new Map<string, MemoryRegister>();

  connect(group = 'group'): MemoryArbiter {
    let register = this.registers.get(group);
    if (register === undefined) this.registers.set(group, (register = new MemoryRegister()));
    return register.connect({ clock: this.clock });
  }

  kill(arbiter: Arbiter): void {
    (arbiter as MemoryArbiter).crash();
  }

  async stop(): Promise<void> {
    for (const register of this.registers.values()) register.isDown = true;
  }

  async start(): Promise<void> {
    for (const register of this.registers.values()) register.isDown = false;
  }

  async waitUntil(condition: () => boolean): Promise<void> {
    for (let step = 0; step < 20_000 && !condition(); step++) this.clock.advance(1);
    assert.ok(condition(), 'waited 20 s of virtual time in vain');
  }

  async pause(ms: number): Promise<void> {
    this.clock.advance(ms);
  }

  async dispose(): Promise<void> {}
}

describe('faults of the arbiter in memory', () => {
  const me = { name: 'a', storeId: 's' };
  const record = (epoch: number): GroupRecord => ({ epoch, primary: me, members: [me], incarnation: 1 });

  void it('a lost answer leaves the caller with an error and the register changed', () => {
    const clock = new VirtualClock();
    const register = new MemoryRegister();
    const faults = new MemoryArbiterFaults();
    faults.losesAnswer = () => true;
    const errors: (AepError | undefined)[] = [];
    register
      .connect({ clock, faults, requestTimeoutMs: 500 })
      .compareAndSet(0, record(1), (error) => errors.push(error));
    clock.advance(499);
    assert.deepEqual([errors.length, register.record?.epoch], [0, 1]);
    clock.advance(2);
    assert.equal(errors[0]?.code, 'AEP_ARBITER_UNAVAILABLE');
  });

  void it('a request that is under way arrives although its member has died', () => {
    const clock = new VirtualClock();
    const register = new MemoryRegister();
    const faults = new MemoryArbiterFaults();
    faults.requestMs = () => 100;
    const arbiter = register.connect({ clock, faults });
    arbiter.compareAndSet(0, record(1), () => assert.fail('the dead are not called'));
    arbiter.crash();
    clock.advance(2_000);
    assert.equal(register.record?.epoch, 1);
    assert.equal(clock.pending, 0);
  });

  void it('a member that is cut off hears of the last value when the cut has healed', () => {
    const clock = new VirtualClock();
    const register = new MemoryRegister();
    const faults = new MemoryArbiterFaults();
    const epochs: number[] = [];
    register.connect({ clock, faults }).watch((value) => epochs.push(value?.epoch ?? 0));
    clock.advance(1);
    faults.isCut = true;
    const other = register.connect({ clock });
    other.compareAndSet(0, record(1), () => undefined);
    clock.advance(200);
    other.compareAndSet(1, record(2), () => undefined);
    clock.advance(200);
    assert.deepEqual(epochs, [0]);
    faults.isCut = false;
    clock.advance(200);
    assert.deepEqual(epochs, [0, 2]);
  });
});
