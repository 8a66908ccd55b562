import { AlertEvent, App, type Engine, type EngineOptions, EventHandler } from '@aep/engine';
import type { AepError } from '@aep/kernel';
import { Teller } from './bank-apps.js';
import type { Bank } from './gen/bank.js';
import { BankFactory } from './gen/bank.js';
import { Bank as BankRoot } from './gen/bank.js';
import { ScriptedBus } from './scripted-bus.js';
import { World } from './world.js';

/** A teller that notes alerts. */
@App({ state: BankRoot, factories: [BankFactory] })
export class WatchedTeller extends Teller {
  readonly alerts: AlertEvent[] = [];

  @EventHandler(AlertEvent)
  onAlert(alert: AlertEvent): void {
    this.alerts.push(alert);
  }

  kinds(): string[] {
    return this.alerts.map((alert) => alert.kind);
  }
}

export type TellerOptions = Omit<Partial<EngineOptions>, 'store'> & Pick<Partial<EngineOptions>, 'store'>;

/** One engine over a memory store and a scripted bus, on a virtual clock. */
export class TellerWorld<A extends object = WatchedTeller> {
  readonly world: World;
  bus: ScriptedBus;
  engine!: Engine<Bank>;

  constructor(
    public app: A,
    seed = 1,
  ) {
    this.world = new World(seed);
    this.bus = new ScriptedBus(this.world.clock);
  }

  get clock() {
    return this.world.clock;
  }

  get store() {
    return this.world.store('teller');
  }

  make(options: TellerOptions = {}): Engine<Bank> {
    const { description } = this.bus;
    this.engine = this.world.engine<Bank>('teller', {
      app: this.app,
      buses: [{ description, provider: this.bus, channels: [{ name: 'deposits', join: true }] }],
      ...options,
    });
    return this.engine;
  }

  async start(options: TellerOptions = {}): Promise<this> {
    await this.world.run(this.make(options).start());
    return this;
  }

  /** The process dies and a new one starts with another instance of the application and a fresh connection. */
  async restart(app: A, options: TellerOptions = {}): Promise<this> {
    this.world.crash('lost');
    this.app = app;
    const { description } = this.bus;
    this.bus = new ScriptedBus(this.world.clock, description.name, description.roster);
    return await this.start(options);
  }

  /** What was delivered has arrived, and the engine is idle again. */
  async idle(): Promise<void> {
    await this.world.settle();
    await this.world.run(this.engine.whenIdle());
  }

  balance(account: string): number {
    return this.engine.read((bank) => bank.accounts.get(account)?.balance ?? 0);
  }
}

export async function startedTeller(options: TellerOptions = {}): Promise<TellerWorld> {
  return await new TellerWorld(new WatchedTeller()).start(options);
}

/** The error with which a promise rejects. */
export async function rejection(promise: Promise<unknown>): Promise<AepError> {
  try {
    await promise;
  } catch (error) {
    return error as AepError;
  }
  throw new Error('the promise did not reject');
}
