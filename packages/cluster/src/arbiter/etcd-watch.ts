import { AepError, type Clock, type Log, type Random, type TimerHandle } from '@aep/kernel';
import type { EtcdClient, EtcdReply } from './etcd-client.js';
import { entriesOf, isLater, listOf, numberOf, registerOf, type RegisterEntry } from './etcd-reply.js';

export interface EtcdWatchOptions {
  readonly client: EtcdClient;
  readonly key: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly backoffFirstMs: number;
  readonly backoffLongestMs: number;
  readonly rereadIntervalMs: number;
  readonly where: string;
  /** Each value once, never an older one after a newer one. */
  onEntry(entry: RegisterEntry): void;
}

/**
 * Follows one key: reads it, watches it from the revision of that reading on, and begins anew when the watch breaks. Beside
 * the watch it reads now and then, because a connection can be dead without anybody noticing.
 *
 * ```
 * reading ──► watching ──end──► pause (doubling, with chance) ──► reading
 *               └─ every rereadIntervalMs: a reading beside it
 * ```
 */
export class EtcdWatch {
  private isRunning = false;
  private stopStream: (() => void) | undefined;
  private timer: TimerHandle | undefined;
  private rereadTimer: TimerHandle | undefined;
  private backoffMs: number;
  /** Of the store as a whole, at the last value told: an answer from before it is late. */
  private toldRevision: string | undefined;
  /** In which the key was written, at the last value told. */
  private entryRevision = '0';
  private generation = 0;

  constructor(private readonly options: EtcdWatchOptions) {
    this.backoffMs = options.backoffFirstMs;
  }

  start(): void {
    this.isRunning = true;
    this.read();
    this.armReread();
  }

  stop(): void {
    this.isRunning = false;
    this.generation++;
    this.stopStream?.();
    this.stopStream = undefined;
    const { clock } = this.options;
    if (this.timer !== undefined) clock.cancel(this.timer);
    if (this.rereadTimer !== undefined) clock.cancel(this.rereadTimer);
    this.timer = this.rereadTimer = undefined;
  }

  private read(): void {
    const { generation } = this;
    // A cluster that was restored from a copy counts from an earlier revision.
    this.toldRevision = undefined;
    this.look(generation, (error, revision) => {
      if (error === undefined) this.watch(revision);
      else this.pause(error);
    });
  }

  private look(generation: number, done: (error: AepError | undefined, revision: string) => void): void {
    const { client, key } = this.options;
    client.call('/v3/kv/range', { key }, (error, reply) => {
      if (generation !== this.generation || !this.isRunning) return;
      const revision = numberOf(reply?.['header'], 'revision');
      done(error ?? this.tell(reply!['kvs'], revision), revision);
    });
  }

  /** Tells a value unless a later one was told; what cannot be read is answered. */
  private tell(kvs: unknown, revision: string): AepError | undefined {
    if (this.toldRevision !== undefined && !isLater(revision, this.toldRevision)) return undefined;
    try {
      const entry = registerOf(entriesOf(kvs), this.options.where);
      this.toldRevision = revision;
      this.entryRevision = entry.revision;
      this.options.onEntry(entry);
      return undefined;
    } catch (thrown) {
      if (thrown instanceof AepError) return thrown;
      throw thrown;
    }
  }

  private watch(afterRevision: string): void {
    const { client, key } = this.options;
    const { generation } = this;
    const startRevision = String(BigInt(afterRevision) + 1n);
    this.stopStream = client.stream(
      '/v3/watch',
      { create_request: { key, start_revision: startRevision } },
      {
        onReply: (reply) => {
          if (generation === this.generation) this.onReply(reply);
        },
        onEnd: (error) => {
          if (generation !== this.generation) return;
          this.stopStream = undefined;
          this.pause(error);
        },
      },
    );
  }

  private onReply(reply: EtcdReply): void {
    const result = reply['result'];
    if (typeof result !== 'object' || result === null) return;
    const { created, canceled, events } = result as EtcdReply;
    if (created === true) this.backoffMs = this.options.backoffFirstMs;
    if (canceled === true) {
      // Compacted past where it should begin, or the permission is gone: the reading says which.
      this.again();
      return;
    }
    const last = listOf(events).at(-1);
    if (last === undefined) return;
    const kv = last['kv'];
    const revision = numberOf(kv, 'mod_revision');
    const problem = this.tell(last['type'] === 'DELETE' ? [] : [kv], revision);
    if (problem !== undefined) this.options.log.log('error', 'the register cannot be read', {}, problem);
  }

  private again(): void {
    this.generation++;
    this.stopStream?.();
    this.stopStream = undefined;
    this.pause(undefined);
  }

  private pause(error: AepError | undefined): void {
    const { clock, random, log, backoffLongestMs } = this.options;
    const pauseMs = this.backoffMs * (0.5 + random.float() / 2);
    if (this.backoffMs < backoffLongestMs)
      log.log('debug', 'the watch of the register ended; it begins anew', { pauseMs: Math.round(pauseMs) }, error);
    else log.log('warn', 'the register cannot be watched; trying again', { pauseMs: Math.round(pauseMs) }, error);
    this.backoffMs = Math.min(backoffLongestMs, this.backoffMs * 2);
    this.timer = clock.schedule(pauseMs, () => {
      this.timer = undefined;
      this.read();
    });
  }

  private armReread(): void {
    const { clock, rereadIntervalMs } = this.options;
    this.rereadTimer = clock.schedule(rereadIntervalMs, () => {
      this.armReread();
      const before = this.entryRevision;
      this.look(this.generation, (error) => {
        // Told by this reading and not by the watch: the watch is dead, or about to tell the same.
        if (error === undefined && this.entryRevision !== before && this.stopStream !== undefined) this.again();
      });
    });
  }
}
