import type { AepError, Log } from '@aep/kernel';
import type { Presence } from './arbiter.js';
import type { Answer } from './base-arbiter.js';
import type { EtcdClient } from './etcd-client.js';
import { base64, entriesOf, numberOf } from './etcd-reply.js';
import { decodePresence, encodePresence, MEMBERS_MAX } from './group-record.js';

export interface EtcdPresenceOptions {
  readonly client: EtcdClient;
  /** Ends with a slash. */
  readonly prefix: string;
  readonly log: Log;
  readonly announceIntervalMs: number;
}

/** Announcements under a lease: they go by themselves some time after the member has. Hints only, so failures are logged and tried again. */
export class EtcdPresence {
  private lease: string | undefined;
  private isBusy = false;
  private written: string | undefined;

  constructor(private readonly options: EtcdPresenceOptions) {}

  /** Called again in every interval; one round is under way at a time. */
  announce(presence: Presence): void {
    if (this.isBusy) return;
    this.isBusy = true;
    if (this.lease === undefined) this.grant(presence);
    else this.keepAlive(this.lease, presence);
  }

  list(answer: Answer<readonly Presence[]>): void {
    const { client, prefix } = this.options;
    const body = { key: base64(prefix), range_end: base64(`${prefix.slice(0, -1)}0`), limit: MEMBERS_MAX * 2 };
    client.call('/v3/kv/range', body, (error, reply) => {
      if (error !== undefined) answer(error);
      else
        answer(
          undefined,
          entriesOf(reply!['kvs'])
            .map(({ value }) => decodePresence(value))
            .filter((one) => one !== undefined),
        );
    });
  }

  /** Takes the announcement back; when that fails, it goes with its lease. */
  withdraw(done: () => void): void {
    if (this.lease === undefined) done();
    else this.options.client.call('/v3/lease/revoke', { ID: this.lease }, () => done());
  }

  private grant(presence: Presence): void {
    const seconds = Math.max(2, Math.ceil((3 * this.options.announceIntervalMs) / 1_000));
    this.options.client.call('/v3/lease/grant', { TTL: String(seconds) }, (error, reply) => {
      if (error !== undefined) {
        this.failed(error);
        return;
      }
      this.lease = numberOf(reply, 'ID');
      this.put(this.lease, presence);
    });
  }

  private keepAlive(lease: string, presence: Presence): void {
    this.options.client.call('/v3/lease/keepalive', { ID: lease }, (error, reply) => {
      const result = reply?.['result'];
      if (error !== undefined) this.failed(error);
      else if (numberOf(result, 'TTL') === '0') {
        // It has run out, as after a long pause or an outage: what lay under it is gone.
        this.forget();
        this.grant(presence);
      } else this.put(lease, presence);
    });
  }

  private put(lease: string, presence: Presence): void {
    const { client, prefix } = this.options;
    const value = encodePresence(presence);
    if (value === this.written) {
      this.isBusy = false;
      return;
    }
    client.call('/v3/kv/put', { key: base64(prefix + presence.name), value: base64(value), lease }, (error) => {
      this.isBusy = false;
      if (error === undefined) this.written = value;
      else this.failed(error);
    });
  }

  private failed(error: AepError): void {
    this.isBusy = false;
    this.forget();
    this.options.log.log('debug', 'this member could not be announced to the others', {}, error);
  }

  private forget(): void {
    this.lease = undefined;
    this.written = undefined;
  }
}
