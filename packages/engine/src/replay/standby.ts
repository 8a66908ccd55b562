import { type AepError, toError } from '@aep/kernel';
import type { RecordRun, Store } from '@aep/store';
import type { Engine } from '../engine.js';
import type { BackupReplay, BackupReplayListener, BackupReplayStatus } from './backup-replay.js';

/**
 * The engine of a member's next life as primary, for event-sourced applications: until that life begins it follows what
 * another member writes (H11). It has the shape of the replay port of `@aep/cluster`, of which the engine knows nothing.
 *
 * Each store that it is given gets an engine of its own: what handlers keep outside of the state must not outlive it either.
 */
export class Standby {
  /** The engine that follows, or will; resolves when it can be started. */
  next: Promise<Engine>;
  private replay: BackupReplay | undefined;
  private hasFollowed = false;
  private isOpening = false;
  private life = 0;

  /** @param make loads the application anew */
  constructor(
    first: Promise<Engine>,
    private readonly make: () => Promise<Engine>,
  ) {
    this.next = first;
  }

  get isBehind(): boolean {
    return this.isOpening || this.replay?.isBehind === true;
  }

  status(): BackupReplayStatus {
    const phase = this.isOpening ? 'opening' : 'ended';
    return this.replay?.status() ?? { phase, txId: 0, problems: 0, firstProblem: undefined };
  }

  begin(store: Store, _afterTxId: number, listener: BackupReplayListener): void {
    const life = ++this.life;
    if (this.hasFollowed) this.renew();
    this.hasFollowed = true;
    this.isOpening = true;
    this.next = this.next.then(async (engine) => {
      if (life === this.life) await this.follow(engine, store, { life, listener });
      return engine;
    });
    // Whoever starts the engine is told; here it is told to the member, too.
    this.next.catch((thrown: unknown) => this.opened(life, () => listener.onFailure(toError(thrown) as AepError)));
  }

  records(run: RecordRun): void {
    this.replay?.records(run);
  }

  end(): void {
    this.life++;
    this.isOpening = false;
    this.replay?.end();
    this.replay = undefined;
  }

  /**
   * The engine that followed has been started, or is not needed: another one takes its place when it has ended, because both
   * may be given the same application object.
   */
  renew(): void {
    this.hasFollowed = false;
    this.next = this.retire().then(() => this.make());
  }

  /** Ends an engine that was not started. */
  async retire(): Promise<void> {
    const engine = await this.next.catch(() => undefined); // one that was never made
    if (engine?.state === 'created') await engine.stop();
  }

  private async follow(
    engine: Engine,
    store: Store,
    { life, listener }: { readonly life: number; readonly listener: BackupReplayListener },
  ): Promise<void> {
    const replay = await engine.follow(store, listener);
    this.opened(life, () => {
      this.replay = replay;
      if (!replay.isBehind) listener.onRoom();
    });
  }

  private opened(life: number, then: () => void): void {
    if (life !== this.life) return;
    this.isOpening = false;
    then();
  }
}
