import { type BackupReplayListener, createEngine, type Engine, Standby } from '@aep/engine';
import { type AepError, SeededRandom } from '@aep/kernel';
import { deposit } from './bank-apps.js';
import { type Ledger, ledgerApp } from './ledger-app.js';
import { ScriptedBus } from './scripted-bus.js';
import { type TellerOptions, TellerWorld } from './teller-world.js';

/** What a backup's application does: counts calls, and may be made to differ or to fail. */
export interface Behaviour {
  readonly calls: { count: number; failures: number };
  noise: number;
}

/** A primary that writes a store, and the engine of a member that follows it there. */
export class FollowedTeller {
  readonly primary: Omit<TellerWorld<object>, 'engine'> & { engine: Engine };
  readonly problems: AepError[] = [];
  readonly failures: AepError[] = [];
  readonly behaviour: Behaviour = { calls: { count: 0, failures: 0 }, noise: 0 };
  readonly bus: ScriptedBus;
  readonly standby: Standby;
  engines = 0;
  rooms = 0;
  readonly listener: BackupReplayListener = {
    onRoom: () => void this.rooms++,
    onProblem: (problem) => void this.problems.push(problem),
    onFailure: (error) => void this.failures.push(error),
  };
  private fedTxId = 0;

  constructor(
    private readonly options: TellerOptions = {},
    private readonly backupApp: (behaviour: Behaviour) => object = (behaviour) =>
      ledgerApp(behaviour.calls, () => behaviour.noise),
  ) {
    this.primary = new TellerWorld<object>(ledgerApp(undefined, () => 1));
    this.bus = new ScriptedBus(this.primary.clock);
    this.standby = new Standby(this.make(), () => this.make());
  }

  async start(): Promise<this> {
    await this.primary.start(this.options);
    return this;
  }

  private make(): Promise<Engine> {
    this.engines++;
    const { world } = this.primary;
    return Promise.resolve(
      createEngine({
        name: 'teller',
        clock: world.clock,
        random: new SeededRandom(99),
        log: world.log,
        store: () => world.store('teller'),
        app: this.backupApp(this.behaviour),
        buses: [
          { description: this.bus.description, provider: this.bus, channels: [{ name: 'deposits', join: true }] },
        ],
        ...this.options,
      }),
    );
  }

  async deliver(...instructions: string[]): Promise<void> {
    for (const instruction of instructions) {
      this.primary.bus.deliver(deposit('a', 1, instruction));
      await this.primary.idle();
    }
  }

  /** Begins at what the tables hold. */
  async begin(): Promise<void> {
    const { store } = this.primary;
    this.fedTxId = store.tables.appliedTxId;
    this.standby.begin(store, this.fedTxId, this.listener);
    await this.settle();
  }

  /** Hands over what has become stable. */
  async feed(): Promise<void> {
    const { journal } = this.primary.store;
    for (const run of journal.stableTxId > this.fedTxId ? journal.readRuns(this.fedTxId + 1) : [])
      this.standby.records(run);
    this.fedTxId = journal.stableTxId;
    await this.settle();
  }

  async settle(): Promise<void> {
    for (let round = 0; round < 3; round++) await this.primary.world.settle();
  }

  /** The primary dies; the one that followed goes on. */
  async takeOver(): Promise<Engine> {
    this.standby.end();
    this.primary.world.crash('lost');
    const engine = await this.primary.world.run(this.standby.next);
    await this.primary.world.run(engine.start());
    return engine;
  }

  async ends(engine: Engine): Promise<void> {
    await this.primary.world.run(engine.stop());
  }
}

export function ledgerOf(engine: Engine): Ledger {
  return structuredClone(engine.read((state) => state as Ledger));
}
