import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { LoopbackProvider } from '@aep/bus';
import {
  type Arbiter,
  type EngineListener,
  type EngineMaker,
  Member,
  type MemberEvent,
  type MemberStatus,
  openArbiter,
  type RunningEngine,
} from '@aep/cluster';
import type { AepError } from '@aep/kernel';
import { silentLog, SystemClock, systemRandom, toError } from '@aep/kernel';
import { TcpNetwork } from '@aep/net';
import type { Store } from '@aep/store';
import { LmdbStoreMaker } from '@aep/store-lmdb';
import { makeTrading, TRADING, TRADING_CHANNELS, tradingBus } from './trading.js';

export interface TradingMemberOptions {
  /** Of the whole group: the arbiter's and the members' are below it. */
  readonly directory: string;
  readonly name: string;
  readonly onEvent?: (event: MemberEvent) => void;
}

/** Nothing that a case waits for takes so long. */
const WAIT_MS_MAX = 120_000;
const LOOK_MS = 5;

/** A member of a group whose application is the reference case; synced, with the limits that members have by default. */
export class TradingMember implements EngineMaker {
  /** The loopback bus of its engine; sources attach here. */
  readonly provider = new LoopbackProvider();
  readonly member: Member;
  private readonly clock = new SystemClock();
  private readonly arbiter: Arbiter;
  private isOpen = false;
  private cause: AepError | undefined;
  private hasStopped = false;

  constructor({ directory, name, onEvent = () => undefined }: TradingMemberOptions) {
    const { clock } = this;
    const random = systemRandom();
    this.arbiter = openArbiter({
      descriptor: `embedded://${join(directory, 'arbiter')}`,
      group: TRADING,
      clock,
      random,
      log: silentLog,
    });
    this.member = new Member(
      { group: TRADING, name, address: '127.0.0.1:0', version: '0.1.0' },
      {
        clock,
        random,
        network: new TcpNetwork(),
        arbiter: this.arbiter,
        stores: new LmdbStoreMaker({ path: join(directory, name), engineName: TRADING, clock }),
        engines: this,
        onEvent: (event) => {
          // Whoever waits for a confirmation of this engine would wait for ever.
          if (event.type === 'RoleChanged' && event.role === 'stepping-down')
            throw new Error(`member ${name} was silent for too long: another one is the primary`);
          onEvent(event);
        },
        onStopped: (cause) => {
          this.cause = cause;
          this.hasStopped = true;
        },
      },
    );
  }

  status(): MemberStatus {
    return this.member.status();
  }

  /** Its engine takes orders. */
  get isActive(): boolean {
    return this.isOpen;
  }

  get memberCount(): number {
    return this.status().register?.members.length ?? 0;
  }

  /** Waits by looking, so that nothing is added to what is measured. */
  async until(condition: () => boolean): Promise<void> {
    const deadlineMs = performance.now() + WAIT_MS_MAX;
    while (!condition()) {
      if (this.cause !== undefined) throw this.cause;
      if (performance.now() > deadlineMs)
        throw new Error(`a member waits for what does not come: ${JSON.stringify(this.status())}`);
      await delay(LOOK_MS);
    }
  }

  async stop(): Promise<void> {
    this.member.stop();
    await this.until(() => this.hasStopped);
    await new Promise<void>((resolve) => this.arbiter.close(resolve));
  }

  start(store: Store, listener: EngineListener): RunningEngine {
    const { engine } = makeTrading({
      clock: this.clock,
      store: () => store,
      buses: [{ description: tradingBus, provider: this.provider, channels: TRADING_CHANNELS }],
    });
    engine.start().then(
      () => {
        this.isOpen = true;
        listener.onStarted();
      },
      () => undefined, // told by `stopped`, too
    );
    engine.stopped.then(
      ({ cause }) => listener.onEnded(cause),
      (thrown: unknown) => listener.onEnded(toError(thrown) as AepError),
    );
    return { drain: () => void engine.stop(), halt: (cause) => void engine.stop(cause) };
  }
}
