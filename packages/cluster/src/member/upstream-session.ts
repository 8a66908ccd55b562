import { AepError } from '@aep/kernel';
import { parseAddress } from '@aep/net';
import { RECORD_VERSION, type RecordHash } from '@aep/store';
import type { MemberRef } from '../arbiter/arbiter.js';
import type { Acked, Bye, CopyHead, GroupPosition } from '../link/frames.js';
import { type Hello, NONCE_BYTES, type Welcome } from '../link/handshake.js';
import { protocolError } from '../link/protocol.js';
import { UpstreamConnection, type UpstreamHandler } from '../link/upstream.js';
import { hashAt } from '../replication/record-hashes.js';
import type { MemberContext } from './context.js';
import type { FollowedStore } from './followed-store.js';
import { staleEpoch } from './member-errors.js';

export interface UpstreamOwner {
  /** The journal is a beginning of the primary's, durably; from here on what is durable is acknowledged. */
  onFollowing(): void;
  /** The register has something to say. */
  onHint(): void;
  onEnded(session: UpstreamSession, cause: AepError, peerSaid: Bye | undefined): void;
}

/**
 * A follower's side of one link to a primary, from hello to end. What becomes durable later, when the link has ended, finds
 * `isOver` and says nothing: an acknowledgement goes only to the primary, and in the epoch, for which it was made.
 */
export class UpstreamSession implements UpstreamHandler {
  /** Records come and are acknowledged. */
  isFollowing = false;
  protected isOver = false;
  /** The journal is a beginning of the primary's, or is being cut to be one. */
  protected isMatched = false;
  protected welcomedEpoch = 0;
  /** A promise that is on its way to the disk; nothing is acknowledged until it is there (H4). */
  protected promisingEpoch = 0;
  private readonly connection: UpstreamConnection;

  constructor(
    protected readonly context: MemberContext,
    protected readonly store: FollowedStore,
    private readonly target: MemberRef,
    protected readonly owner: UpstreamOwner,
  ) {
    const { clock, options } = context;
    const { limits, secret } = options;
    this.connection = new UpstreamConnection(
      { clock, times: limits, epoch: () => store.promisedEpoch },
      { hello: this.hello(), secret, frameBytesMax: limits.frameBytesMax },
      this,
    );
  }

  connect(address: string): void {
    this.connection.attach(this.context.network.connect(parseAddress(address), this.connection));
  }

  /** Ends it from this side: nothing that comes over it is heard, and nothing is acknowledged over it any more. */
  drop(cause: AepError): void {
    if (this.isOver) return;
    this.isOver = true;
    this.isFollowing = false;
    this.store.linkEnded();
    this.connection.end(cause);
  }

  acknowledge(): void {
    if (!this.isOver) this.connection.acknowledge();
  }

  /** The other member broke the protocol. */
  refuse(error: AepError): void {
    this.connection.end(error);
  }

  acknowledgement(): Acked | undefined {
    const held = this.store.open;
    if (held === undefined || !this.isFollowing || held.store.epoch < this.promisingEpoch) return undefined;
    const { stableTxId } = held.store.journal;
    const { copy } = this.store;
    const durableTxId = copy === undefined ? stableTxId : copy.acknowledgeable(stableTxId);
    return durableTxId === undefined ? undefined : { epoch: held.store.epoch, durableTxId };
  }

  onWelcome(welcome: Welcome, proceed: () => void): void {
    if (welcome.epoch < this.store.promisedEpoch) return this.refuseStale(welcome.epoch);
    if (welcome.member !== this.target.name) throw protocolError(`member ${welcome.member} answers for another one`);
    this.welcomedEpoch = welcome.epoch;
    // Durable before anything is cut, appended or acknowledged for it (H4): an older primary that comes later, even after a
    // crash here, cannot have its records put in the place of these.
    this.promise(welcome.epoch, proceed);
  }

  onProbe(txId: number): RecordHash | undefined {
    const { complete, follower } = this.store;
    if (complete === undefined || follower === undefined) return undefined;
    return hashAt({ journal: complete.store.journal, recent: follower.recent, kept: complete }, txId);
  }

  onFollow(commonTxId: number): void {
    const { complete, follower } = this.store;
    if (complete === undefined || follower === undefined)
      throw protocolError('records for a journal that is not there');
    const { journal, tables } = complete.store;
    if (commonTxId > journal.lastTxId || commonTxId < complete.firstTxId - 1)
      throw protocolError(`record ${commonTxId} is not in this journal`);
    // The other half of the primary's check: nothing that is known to be stable is ever cut, whoever asks for it.
    const keptTxId = Math.max(tables.appliedTxId, Math.min(follower.groupStableTxId, journal.lastTxId));
    if (commonTxId < keptTxId) return this.diverged(commonTxId, keptTxId);
    this.isMatched = true;
    if (commonTxId === journal.lastTxId) return this.following();
    follower.cut(commonTxId, (error) => {
      if (error !== undefined) this.context.fail(error);
      else if (!this.isOver) this.following();
    });
  }

  onRecords(position: GroupPosition, bytes: Uint8Array, start: number, end: number): void {
    if (!this.isMatched) throw protocolError('records before it is known what they follow');
    if (!this.isOfPresent(position)) return;
    this.store.follower?.records(bytes, start, end);
    this.store.follower?.position(position);
  }

  onMark(position: GroupPosition): void {
    // Before the common record is found, what is stable in the group says nothing about the records that are here.
    if (this.isOfPresent(position) && this.isMatched) this.store.follower?.position(position);
  }

  onPaired(): void {
    this.owner.onHint();
  }

  onSwitched(): void {
    this.owner.onHint();
  }

  onCopyBegin(head: CopyHead): void {
    if (this.store.copy?.isComplete === false || this.isMatched)
      throw protocolError('a copy in the middle of something');
    this.promisingEpoch = this.welcomedEpoch;
    this.store.remake(head, this.welcomedEpoch, (storeId, count) => this.connection.copyTaken(storeId, count));
  }

  onCopyChunk(bytes: Uint8Array, start: number, end: number): void {
    if (this.store.copy?.isComplete !== false) throw protocolError('entries without a copy');
    this.store.copy.chunk(bytes, start, end);
  }

  onCopyEnd(): void {
    if (this.store.copy?.isComplete !== false) throw protocolError('the end of no copy');
    this.isMatched = true;
    this.following();
    this.store.copy.end();
  }

  onEnded(cause: AepError, peerSaid: Bye | undefined): void {
    if (this.isOver) return;
    this.isOver = true;
    const wasFollowing = this.isFollowing;
    this.isFollowing = false;
    this.store.linkEnded();
    if (wasFollowing) this.context.emit({ type: 'MemberDown', member: this.target.name, cause });
    this.owner.onEnded(this, cause, peerSaid);
  }

  protected following(): void {
    this.isFollowing = true;
    this.context.emit({ type: 'MemberUp', member: this.target.name });
    // A later epoch may have been told while the store was still being made, when there was nothing to write the promise to.
    this.promise(this.promisingEpoch, () => this.connection.acknowledge());
    this.owner.onFollowing();
  }

  /** Of the epoch that was promised, or a later one of the same primary, which is promised now (H4). */
  protected isOfPresent(position: GroupPosition): boolean {
    if (position.epoch < Math.max(this.welcomedEpoch, this.store.promisedEpoch)) {
      this.refuseStale(position.epoch);
      return false;
    }
    if (position.epoch > Math.max(this.store.promisedEpoch, this.promisingEpoch))
      this.promise(position.epoch, () => this.connection.acknowledge());
    return true;
  }

  /** Calls back when the epoch is durable here and the link is still up. */
  protected promise(epoch: number, done: () => void): void {
    const held = this.store.open;
    this.promisingEpoch = Math.max(this.promisingEpoch, epoch);
    if (held === undefined || held.store.epoch >= epoch) return done();
    held.store.setEpoch(epoch, (error) => {
      if (error !== undefined) this.context.fail(error);
      else if (!this.isOver) done();
    });
  }

  protected refuseStale(theirEpoch: number): void {
    const epoch = this.store.promisedEpoch;
    const member = this.target.name;
    this.context.mark('stale-epoch-refused');
    this.context.emit({ type: 'StaleEpochRefused', member, theirEpoch, epoch });
    this.connection.end(staleEpoch(member, theirEpoch, epoch));
  }

  private diverged(commonTxId: number, keptTxId: number): void {
    this.context.mark('diverged');
    const { name } = this.context.options;
    this.context.emit({ type: 'DivergenceDetected', member: name, commonTxId, appliedTxId: keptTxId });
    this.context.fail(refusedToCut(name, commonTxId, keptTxId));
  }

  private hello(): Hello {
    const { options, random } = this.context;
    return {
      ...this.store.claims(),
      group: options.group,
      member: options.name,
      recordVersion: RECORD_VERSION,
      version: options.version,
      windowBytes: options.limits.windowBytes,
      heartbeatMs: options.limits.heartbeatMs,
      nonce: Uint8Array.from({ length: NONCE_BYTES }, () => random.below(256)),
    };
  }
}

function refusedToCut(member: string, commonTxId: number, keptTxId: number): AepError {
  return new AepError(
    'AEP_CLUSTER_DIVERGED',
    'fatal',
    `the primary asks member ${member} to give up what it holds after record ${commonTxId}, but records up to ${keptTxId} were ` +
      'stable in the group: two histories were acknowledged; keep both data directories for inspection',
    { member, commonTxId, keptTxId },
  );
}
