import { type Clock, type Log, type Random, silentLog, SystemClock, systemRandom } from '@aep/kernel';
import { within } from '@aep/store/internal';
import type { GroupRecord, Presence, SwapAnswer } from './arbiter.js';
import { type Answer, BaseArbiter } from './base-arbiter.js';
import { EtcdClient, type EtcdReply } from './etcd-client.js';
import { type EtcdHttp, type EtcdTls, NodeEtcdHttp } from './etcd-http.js';
import { EtcdPresence } from './etcd-presence.js';
import { EtcdWatch } from './etcd-watch.js';
import { base64, entriesOf, listOf, numberOf, type RegisterEntry, registerOf } from './etcd-reply.js';
import { encodeRecord, groupName } from './group-record.js';

export interface EtcdArbiterOptions {
  /** `http://host:port` or `https://host:port`; the next one is asked when one fails. */
  readonly endpoints: readonly string[];
  /** Before all keys, for clusters that others use too. @default '/aep' */
  readonly prefix?: string;
  readonly group: string;
  readonly user?: string;
  /** Never logged. */
  readonly password?: string;
  readonly tls?: EtcdTls;
  /** @default 2000 ms */
  readonly requestTimeoutMs?: number;
  /** How often a presence's lease is kept alive; it lasts three times as long, and at least as long as etcd's smallest lease. @default 2000 ms */
  readonly announceIntervalMs?: number;
  /** Pause before a broken watch is opened again: doubled each time from the first to the second. @default [50, 2000] ms */
  readonly watchBackoffMs?: readonly [first: number, longest: number];
  /** How often the register is read beside the watch, in case the watch is dead and nobody has noticed. @default 5000 ms */
  readonly rereadIntervalMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: Log;
  /** @default Node's HTTP client */
  readonly http?: EtcdHttp;
}

/**
 * The arbiter for members on several hosts: one key in etcd (H1), changed by transactions that compare the revision in which
 * the expected epoch was seen. Leases carry nothing but presences.
 *
 * @throws AEP_OPTION_INVALID
 */
export function openEtcdArbiter(options: EtcdArbiterOptions): EtcdArbiter {
  return new EtcdArbiter(options);
}

export class EtcdArbiter extends BaseArbiter {
  private readonly client: EtcdClient;
  private readonly key: string;
  private readonly registerWatch: EtcdWatch;
  private readonly members: EtcdPresence;
  /** What was last seen of the register; a swap that expects another epoch looks first. */
  private seen: RegisterEntry | undefined;

  /** @internal */
  constructor(options: EtcdArbiterOptions) {
    const { clock = new SystemClock(), log = silentLog, random = systemRandom(), endpoints } = options;
    const requestTimeoutMs = within('requestTimeoutMs', options.requestTimeoutMs ?? 2_000, 10, 600_000);
    const announceIntervalMs = within('announceIntervalMs', options.announceIntervalMs ?? 2_000, 100, 60_000);
    const [firstMs, longestMs] = options.watchBackoffMs ?? [50, 2_000];
    within('endpoints', endpoints.length, 1, 64);
    const place = `${options.prefix ?? '/aep'}/${groupName(options.group)}`;
    const where = `etcd ${endpoints.join(',')} ${place}`;
    super({ clock, log, where, requestTimeoutMs, announceIntervalMs });
    const http = options.http ?? new NodeEtcdHttp(options.tls);
    const { user, password } = options;
    this.client = new EtcdClient({ clock, http, endpoints, user, password, requestTimeoutMs, where });
    this.key = base64(`${place}/register`);
    this.registerWatch = new EtcdWatch({
      client: this.client,
      key: this.key,
      clock,
      random,
      log,
      backoffFirstMs: within('watchBackoffMs', firstMs, 1, 600_000),
      backoffLongestMs: within('watchBackoffMs', longestMs, firstMs, 600_000),
      rereadIntervalMs: within('rereadIntervalMs', options.rereadIntervalMs ?? 5_000, 10, 600_000),
      where,
      onEntry: (entry) => this.sawChange(entry),
    });
    this.members = new EtcdPresence({ client: this.client, prefix: `${place}/presence/`, log, announceIntervalMs });
  }

  protected doRead(answer: Answer<GroupRecord>): void {
    this.look((error, entry) => answer(error, entry?.record));
  }

  protected doCompareAndSet(expectedEpoch: number, record: GroupRecord, answer: Answer<SwapAnswer>): void {
    if (expectedEpoch === 0) this.swap('0', record, answer);
    else if (this.seen?.record?.epoch === expectedEpoch)
      this.swap(this.seen.revision, record, (error, swap) => {
        // The revision was an old one, told late by the watch; the epoch is the expected one all the same.
        if (swap?.swapped === false && swap.current?.epoch === expectedEpoch)
          this.lookAndSwap(expectedEpoch, record, answer);
        else answer(error, swap);
      });
    else this.lookAndSwap(expectedEpoch, record, answer);
  }

  private lookAndSwap(expectedEpoch: number, record: GroupRecord, answer: Answer<SwapAnswer>): void {
    this.look((error, entry) => {
      if (error !== undefined) answer(error);
      else if (entry?.record?.epoch === expectedEpoch) this.swap(entry.revision, record, answer);
      else answer(undefined, { swapped: false, current: entry?.record });
    });
  }

  protected startWatch(): void {
    this.registerWatch.start();
  }

  protected stopWatch(): void {
    this.registerWatch.stop();
  }

  protected doAnnounce(presence: Presence): void {
    this.members.announce(presence);
  }

  protected doPresence(answer: Answer<readonly Presence[]>): void {
    this.members.list(answer);
  }

  protected doClose(done: () => void): void {
    this.members.withdraw(() => {
      this.client.close();
      done();
    });
  }

  /** Linearizable, as ranges are unless told otherwise. */
  private look(answer: Answer<RegisterEntry>): void {
    this.client.call('/v3/kv/range', { key: this.key }, (error, reply) => {
      this.interpret(error, reply, answer, (value) => registerOf(entriesOf(value['kvs']), this.context.where));
    });
  }

  /** @param revision the one in which the expected epoch was written; 0 when the key must not be there */
  private swap(revision: string, record: GroupRecord, answer: Answer<SwapAnswer>): void {
    const { key } = this;
    const body = {
      compare: [{ key, target: 'MOD', result: 'EQUAL', mod_revision: revision }],
      success: [{ request_put: { key, value: base64(encodeRecord(record)) } }],
      failure: [{ request_range: { key } }],
    };
    this.client.call('/v3/kv/txn', body, (error, reply) => {
      this.interpret(error, reply, answer, (value) => {
        const isSwapped = value['succeeded'] === true;
        const range = listOf(value['responses'])[0]?.['response_range'] as EtcdReply | undefined;
        this.seen = isSwapped
          ? { record, revision: numberOf(value['header'], 'revision') }
          : registerOf(entriesOf(range?.['kvs']), this.context.where);
        return { swapped: isSwapped, current: this.seen.record };
      });
    });
  }

  // oxlint-disable-next-line max-params -- private: what came, and what to make of it
  private interpret<T>(
    error: Parameters<Answer<T>>[0],
    reply: EtcdReply | undefined,
    answer: Answer<T>,
    read: (reply: EtcdReply) => T,
  ): void {
    if (error !== undefined) {
      // It may have been carried out: what was seen of the register proves nothing any more.
      this.seen = undefined;
      answer(error);
      return;
    }
    let value: T;
    try {
      value = read(reply!);
    } catch (thrown) {
      answer(thrown as Parameters<Answer<T>>[0]);
      return;
    }
    answer(undefined, value);
  }

  private sawChange(entry: RegisterEntry): void {
    this.seen = entry;
    this.changed(entry.record);
  }
}
