import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Engine } from '@aep/engine';
import { SeededRandom } from '@aep/kernel';
import { Auditor, Customer, deposit, Teller, using } from './bank-apps.js';
import type { Bank } from './gen/bank.js';
import { bankBus, World } from './world.js';

/*
 * Crashes at random moments: the process dies between any two callbacks, and with it everything that was not durable. The
 * customer repeats what was not confirmed to it, under the same idempotency key, as a client would. Whatever happens, each
 * deposit has its effect once, and the auditor has heard of each once, in order.
 */

const DEPOSITS = 40;
const CRASHES = 8;
const SEEDS = Number(process.env['AEP_SIM_SEEDS'] ?? 60);
const FIRST_SEED = Number(process.env['AEP_SIM_SEED'] ?? 1);

interface Bankers {
  readonly customer: Customer;
  readonly engines: readonly [Engine, Engine<Bank>, Engine<Bank>];
}

async function startAll(world: World): Promise<Bankers> {
  const description = bankBus([
    { app: 'teller', channel: 'deposits', patterns: ['**'] },
    { app: 'auditor', channel: 'events', patterns: ['**'] },
  ]);
  const customer = new Customer();
  const engines = [
    world.engine('customer', { app: customer, buses: using(description, world.provider) }),
    world.engine<Bank>('teller', { app: new Teller(), buses: using(description, world.provider, 'deposits') }),
    world.engine<Bank>('auditor', { app: new Auditor(), buses: using(description, world.provider, 'events') }),
  ] as const;
  for (const engine of engines) await world.run(engine.start());
  return { customer, engines };
}

async function runSeed(seed: number): Promise<void> {
  const world = new World(seed);
  const random = new SeededRandom(seed);
  const acknowledged = new Set<number>();
  for (let life = 0; life <= CRASHES; life++) {
    const bankers = await startAll(world);
    for (const store of world.stores.values()) store.faults.commitMs = () => random.below(4);
    const unsent = [...Array.from({ length: DEPOSITS }).keys()].filter((n) => !acknowledged.has(n));
    // The last life goes to the end; the others die after a random number of callbacks.
    const steps = life === CRASHES ? Infinity : random.below(60);
    for (let step = 0; step < steps && unsent.length > 0; step++) {
      if (random.below(3) === 0) send(bankers.customer, unsent.shift()!, acknowledged);
      else world.clock.runNext();
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (life < CRASHES) {
      world.crash('chance');
      continue;
    }
    for (const engine of bankers.engines) await world.run(engine.whenIdle());
    check(bankers, seed);
    for (const engine of bankers.engines) await world.run(engine.stop());
  }
}

function send(customer: Customer, n: number, acknowledged: Set<number>): void {
  const sent = customer.sender.sendMessage('deposits', deposit(`account-${n % 5}`, 2 ** (n % 3)), {
    idempotencyKey: `deposit ${n}`,
  });
  sent.then(
    () => acknowledged.add(n),
    () => undefined, // the process died first; the customer repeats it in the next life
  );
}

function check({ engines }: Bankers, seed: number): void {
  const [, teller, auditor] = engines;
  const expected = new Map<string, number>();
  for (let n = 0; n < DEPOSITS; n++)
    expected.set(`account-${n % 5}`, (expected.get(`account-${n % 5}`) ?? 0) + 2 ** (n % 3));
  teller.read((bank) => {
    assert.equal(bank.deposits, DEPOSITS, `seed ${seed}: deposits counted`);
    for (const [account, balance] of expected)
      assert.equal(bank.accounts.get(account)?.balance, balance, `seed ${seed}: balance of ${account}`);
  });
  auditor.read((bank) => {
    assert.equal(bank.deposits, DEPOSITS, `seed ${seed}: events heard`);
    const last = new Map<string, number>();
    for (const line of bank.lines) {
      const [account, balance] = line.text.split('=') as [string, string];
      assert.ok(Number(balance) > (last.get(account) ?? 0), `seed ${seed}: events of ${account} in order`);
      last.set(account, Number(balance));
    }
  });
}

for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed += 10) {
  test(`each deposit has its effect once through random crashes (E31, E37, E51), seeds ${seed} to ${Math.min(seed + 9, FIRST_SEED + SEEDS - 1)}`, async () => {
    for (let current = seed; current < Math.min(seed + 10, FIRST_SEED + SEEDS); current++) await runSeed(current);
  });
}
