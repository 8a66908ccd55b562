import { AepError, type TimerHandle } from '@aep/kernel';
import { parseAddress } from '@aep/net';
import { NO_HASH, RECORD_VERSION, type RecordHash } from '@aep/store';
import type { GroupRecord, MemberRef } from '../arbiter/arbiter.js';
import type { Acked, Bye, CopyHead, GroupPosition } from '../link/frames.js';
import { type Hello, NONCE_BYTES, type Welcome } from '../link/handshake.js';
import { protocolError } from '../link/protocol.js';
import { UpstreamConnection, type UpstreamHandler } from '../link/upstream.js';
import { CopyIn } from '../replication/copy-in.js';
import type { Follower } from '../replication/follower.js';
import { HeldStore } from '../replication/held-store.js';
import { hashAt } from '../replication/record-hashes.js';
import type { MemberContext } from './context.js';
import { staleEpoch } from './member-errors.js';
import type { PrimaryWatch } from './primary-watch.js';
import { isListed, isSameMember } from './register.js';

export interface BackupListener {
  /**
   * The register has `record`, set by this process, with this member as its primary; the promise is durable, the journal at
   * rest. The store is the listener's now, this role has ended.
   */
  onElected(record: GroupRecord, follower: Follower, isTruth: boolean): void;
  /** Listed or not, linked or not: look again. */
  onMoved(): void;
  /** The register is still empty after an attempt to set it. */
  onUnclaimed(): void;
}

/**
 * A member that is not the primary: follows whoever is, and takes over when it may and must.
 *
 * ```
 * connect ─ hello ─ welcome ─ [epoch durable] ─ proof ─ (search) ─ follow ─ [cut durable] ─ records ─ acked …
 *    └── lost ── again, or: the primary is gone ── [fence ourselves] ── register ── [epoch durable] ── elected
 * ```
 */
export class BackupRole implements UpstreamHandler {
  protected connection: UpstreamConnection | undefined;
  protected follower: Follower | undefined;
  protected copy: CopyIn | undefined;
  protected held: HeldStore | undefined;
  /** Whom the connection is to; changes with the register. */
  private target: MemberRef | undefined;
  protected isFollowing = false;
  /** The journal is a beginning of the primary's, or is being cut to be one; of the present link. */
  protected isMatched = false;
  protected isClaiming = false;
  protected isEnded = false;
  private isConnecting = false;
  private reconnectTimer: TimerHandle | undefined;
  private attempts = 0;
  private readonly watch: PrimaryWatch;

  constructor(
    protected readonly context: MemberContext,
    held: HeldStore | undefined,
    protected readonly listener: BackupListener,
  ) {
    this.watch = new context.parts.PrimaryWatch(context, () => this.takeOver());
    if (held !== undefined) this.use(held);
  }

  /** undefined while there is no store. */
  get self(): MemberRef | undefined {
    const name = this.context.options.name;
    // A store on its way counts for nothing.
    if (this.held === undefined || this.copy?.isComplete === false) return undefined;
    return { name, storeId: this.held.store.identity.memberId };
  }

  get isLinked(): boolean {
    return this.isFollowing;
  }

  get store(): HeldStore | undefined {
    return this.held;
  }

  get stableTxId(): number {
    return this.follower?.groupStableTxId ?? 0;
  }

  start(): void {
    this.onRegister(this.context.register.latest);
  }

  onRegister(record: GroupRecord | undefined): void {
    if (this.isEnded || this.isClaiming || record === undefined) return;
    // Named as primary by a change that this process did not make, or whose answer it never got: not to be acted on (H3).
    if (isSameMember(record.primary, this.self)) {
      this.context.mark('restart-of-primary');
      return this.claim({ ...record, epoch: record.epoch + 1 });
    }
    if (record.primary.name === this.context.options.name) this.lostOwnStore(record);
    else if (!isSameMember(record.primary, this.target)) this.follow(record.primary);
    this.watch.onRegister(record, this.self);
  }

  /** Ends; the store, if there is one, is its owner's. `done` when nothing of it is used any more. */
  end(done: () => void, saying?: AepError): void {
    this.isEnded = true;
    this.watch.stop();
    this.dropLink(saying ?? new AepError('AEP_NET_RESET', 'retry', 'this member follows no more'));
    this.follower?.close();
    this.held?.usedBy(undefined);
    if (this.copy === undefined || this.copy.isComplete) this.context.clock.defer(done);
    else this.copy.abandon(done);
  }

  /** The register names this member with a store that is gone: it is not the member it was (H3), and waits for another primary. */
  private lostOwnStore({ epoch, primary }: GroupRecord): void {
    if (isSameMember(this.target, primary)) return;
    this.target = primary;
    this.dropLink(new AepError('AEP_CLUSTER_NOT_PRIMARY', 'retry', `the primary is ${primary.name} now`));
    this.context.log.log(
      'error',
      'this member was the primary and has lost its store: another listed member takes over; when there is none, `promote --unsafe`',
      { epoch, lostStoreId: primary.storeId },
    );
  }

  // The link.

  private follow(target: MemberRef): void {
    this.target = target;
    this.attempts = 0;
    this.dropLink(new AepError('AEP_CLUSTER_NOT_PRIMARY', 'retry', `the primary is ${target.name} now`));
    this.watch.lost(false);
    this.connectSoon(0);
  }

  private connectSoon(delayMs: number): void {
    if (this.isEnded || this.isClaiming || this.isConnecting) return;
    if (this.reconnectTimer !== undefined) this.context.clock.cancel(this.reconnectTimer);
    this.reconnectTimer = this.context.clock.schedule(delayMs, () => {
      this.reconnectTimer = undefined;
      this.findAddress();
    });
  }

  private findAddress(): void {
    const { target } = this;
    if (this.isEnded || this.isClaiming || this.connection !== undefined || target === undefined) return;
    if (target.name === this.context.options.name) return;
    this.isConnecting = true;
    this.context.arbiter.presence((error, present) => {
      this.isConnecting = false;
      if (this.isEnded || this.isClaiming || this.connection !== undefined) return;
      if (target !== this.target) return this.connectSoon(0);
      const { peers } = this.context.options;
      const address = present.find(({ name }) => name === target.name)?.address ?? peers[target.name];
      if (error === undefined) this.watch.present(present);
      if (address === undefined) return this.connectSoon(this.pauseMs());
      this.whenAtRest(() => this.connect(address));
    });
  }

  /** What the hello says of the journal must be durable: the primary builds on it. */
  private whenAtRest(done: () => void): void {
    if (this.follower === undefined) done();
    else this.follower.rest(done);
  }

  private connect(address: string): void {
    if (this.isEnded || this.isClaiming || this.connection !== undefined) return;
    const { clock, options, network } = this.context;
    const connection = new UpstreamConnection(
      { clock, times: options.limits, epoch: () => this.promisedEpoch },
      { hello: this.hello(), secret: options.secret, frameBytesMax: options.limits.frameBytesMax },
      this,
    );
    this.connection = connection;
    connection.attach(network.connect(parseAddress(address), connection));
  }

  protected hello(): Hello {
    const { options, random } = this.context;
    const store = this.held?.store;
    return {
      group: options.group,
      member: options.name,
      storeId: this.self?.storeId ?? '',
      incarnation: store?.identity.incarnation ?? 0,
      lastTxId: store?.journal.lastTxId ?? 0,
      lastHash: store?.journal.lastHash ?? NO_HASH,
      appliedTxId: store?.tables.appliedTxId ?? 0,
      promisedEpoch: this.promisedEpoch,
      recordVersion: RECORD_VERSION,
      version: options.version,
      windowBytes: options.limits.windowBytes,
      heartbeatMs: options.limits.heartbeatMs,
      nonce: Uint8Array.from({ length: NONCE_BYTES }, () => random.below(256)),
    };
  }

  protected get promisedEpoch(): number {
    return this.held?.store.epoch ?? 0;
  }

  /** Ends the connection from this side: what comes over it afterwards is not heard, and nothing is acknowledged over it. */
  protected dropLink(cause: AepError): void {
    const { connection } = this;
    this.connection = undefined;
    this.isFollowing = false;
    this.isMatched = false;
    this.follower?.forgetQueue();
    connection?.end(cause);
    if (this.reconnectTimer !== undefined) this.context.clock.cancel(this.reconnectTimer);
    this.reconnectTimer = undefined;
  }

  onEnded(cause: AepError, peerSaid: Bye | undefined): void {
    // One that this side has dropped is not ours any more.
    if (this.connection?.isEnded !== true) return;
    const wasFollowing = this.isFollowing;
    this.connection = undefined;
    this.isFollowing = false;
    this.isMatched = false;
    this.follower?.forgetQueue();
    if (wasFollowing) this.context.emit({ type: 'MemberDown', member: this.target!.name, cause });
    this.context.log.log('info', 'the link to the primary has ended', { primary: this.target?.name }, cause);
    if (peerSaid?.code === 'AEP_CLUSTER_DIVERGED' || peerSaid?.code === 'AEP_CLUSTER_OTHER_HISTORY') {
      return this.context.fail(refusedForGood(peerSaid));
    }
    if (peerSaid !== undefined) this.context.register.refresh(() => this.listener.onMoved());
    const isGone = cause.code === 'AEP_NET_CONNECT_FAILED' || peerSaid?.code === 'AEP_CLUSTER_STOPPED';
    this.watch.lost(isGone);
    if (this.copy !== undefined && !this.copy.isComplete) this.abandonCopy();
    else this.connectSoon(this.pauseMs());
    this.listener.onMoved();
  }

  /** The first attempt follows at once: a connection may be lost while both are well. */
  private pauseMs(): number {
    const { reconnectMinMs, reconnectMaxMs } = this.context.options.limits;
    const attempt = this.attempts++;
    if (attempt === 0) return 0;
    const pauseMs = Math.min(reconnectMaxMs, reconnectMinMs * 2 ** Math.min(attempt - 1, 20));
    return pauseMs * (0.5 + this.context.random.float() / 2);
  }

  // What the primary says.

  onWelcome(welcome: Welcome, proceed: () => void): void {
    const connection = this.connection!;
    this.welcomedEpoch = welcome.epoch;
    if (welcome.epoch < this.promisedEpoch) return this.refuseStale(welcome.member, welcome.epoch);
    if (welcome.member !== this.target?.name) throw protocolError(`member ${welcome.member} answers for another one`);
    const { held } = this;
    if (held === undefined || held.store.epoch >= welcome.epoch) return proceed();
    // Durable before anything is cut, appended or acknowledged for it (H4): an older primary that comes later, even after a
    // crash here, cannot have its records put in the place of these.
    held.store.setEpoch(welcome.epoch, (error) => {
      if (error !== undefined) this.context.fail(error);
      else if (this.connection === connection) proceed();
    });
  }

  onProbe(txId: number): RecordHash | undefined {
    if (this.held === undefined) return undefined;
    const { journal } = this.held.store;
    return hashAt({ journal, recent: this.follower!.recent }, txId);
  }

  onFollow(commonTxId: number): void {
    const { held, follower, connection } = this;
    if (held === undefined || follower === undefined)
      throw protocolError('a journal to follow with, where there is none');
    const { journal, tables } = held.store;
    if (commonTxId > journal.lastTxId || commonTxId < journal.firstTxId - 1)
      throw protocolError(`record ${commonTxId} is not in this journal`);
    // The other half of the primary's check: nothing that is known to be stable is ever cut, whoever asks for it.
    const keptTxId = Math.max(tables.appliedTxId, Math.min(follower.groupStableTxId, journal.lastTxId));
    if (commonTxId < keptTxId) return this.diverged(commonTxId, keptTxId);
    this.isMatched = true;
    if (commonTxId === journal.lastTxId) return this.following();
    follower.cut(commonTxId, (error) => {
      if (error !== undefined) this.context.fail(error);
      else if (this.connection === connection) this.following();
    });
  }

  protected following(): void {
    this.isFollowing = true;
    this.attempts = 0;
    this.watch.found();
    this.context.emit({ type: 'MemberUp', member: this.target!.name });
    this.connection!.acknowledge();
    this.listener.onMoved();
  }

  onRecords(position: GroupPosition, bytes: Uint8Array, start: number, end: number): void {
    if (!this.isMatched) throw protocolError('records before it is known what they follow');
    if (!this.isOfPresent(position)) return;
    this.follower?.records(bytes, start, end);
    this.follower?.position(position);
  }

  onMark(position: GroupPosition): void {
    // Before the common record is found, what is stable in the group says nothing about the records that are here.
    if (this.isOfPresent(position) && this.isMatched) this.follower?.position(position);
  }

  onPaired(): void {
    this.context.register.refresh(() => this.listener.onMoved());
  }

  onSwitched(): void {
    this.context.register.refresh(() => this.onRegister(this.context.register.latest));
  }

  /** Of the epoch that was promised, or a later one of the same primary, which is promised now (H4). */
  protected isOfPresent(position: GroupPosition): boolean {
    const { held, connection } = this;
    if (held === undefined) return true;
    if (position.epoch < held.store.epoch) {
      this.refuseStale(this.target!.name, position.epoch);
      return false;
    }
    if (position.epoch > held.store.epoch && position.epoch > this.promisingEpoch) {
      this.promisingEpoch = position.epoch;
      held.store.setEpoch(position.epoch, (error) => {
        if (error !== undefined) this.context.fail(error);
        else if (this.connection === connection) this.connection?.acknowledge();
      });
    }
    return true;
  }

  /** A promise that is on its way to the disk; nothing is acknowledged until it is there. */
  protected promisingEpoch = 0;
  protected welcomedEpoch = 0;

  acknowledgement(): Acked | undefined {
    const { held, copy } = this;
    if (held === undefined || !this.isFollowing || held.store.epoch < this.promisingEpoch) return undefined;
    const { stableTxId } = held.store.journal;
    const durableTxId = copy === undefined ? stableTxId : copy.acknowledgeable(stableTxId);
    return durableTxId === undefined ? undefined : { epoch: held.store.epoch, durableTxId };
  }

  protected refuseStale(member: string, theirEpoch: number): void {
    const epoch = this.promisedEpoch;
    this.context.mark('stale-epoch-refused');
    this.context.emit({ type: 'StaleEpochRefused', member, theirEpoch, epoch });
    this.connection?.end(staleEpoch(member, theirEpoch, epoch));
  }

  protected diverged(commonTxId: number, keptTxId: number): void {
    this.context.mark('diverged');
    const { name } = this.context.options;
    this.context.emit({ type: 'DivergenceDetected', member: name, commonTxId, appliedTxId: keptTxId });
    this.context.fail(refusedToCut(name, commonTxId, keptTxId));
  }

  // A store that is made anew.

  onCopyBegin(head: CopyHead): void {
    const { connection } = this;
    if (this.copy !== undefined && !this.copy.isComplete) throw protocolError('a copy inside a copy');
    const { held } = this;
    this.follower?.close();
    this.follower = undefined;
    held?.usedBy(undefined);
    this.held = undefined;
    this.isConnecting = true;
    const create = (): void =>
      this.context.maker.create({ incarnation: head.incarnation, base: head.base }, (error, making) => {
        this.isConnecting = false;
        if (error !== undefined || making === undefined) return this.context.fail(error ?? protocolError('no store'));
        if (this.isEnded || this.connection !== connection) {
          this.context.mark('copy-interrupted');
          return making.abandon(() => this.connectSoon(0));
        }
        this.copy = new CopyIn({
          making,
          head,
          onTaken: (count) => this.connection?.copyTaken(making.store.identity.memberId, count),
          onComplete: () => this.copied(),
          onFailure: (failure) => this.context.fail(failure),
        });
        this.held = new HeldStore(making.store, (failure) => this.context.fail(failure));
        this.follower = this.newFollower(this.held);
        // The promise to this primary was only in memory while there was no store to write it to.
        this.promisingEpoch = this.welcomedEpoch;
        making.store.setEpoch(this.welcomedEpoch, (failure) => {
          if (failure !== undefined) this.context.fail(failure);
          else if (this.connection === connection) connection?.copyTaken(making.store.identity.memberId, 0);
        });
      });
    if (held === undefined) create();
    else held.store.close().then(create, create);
  }

  onCopyChunk(bytes: Uint8Array, start: number, end: number): void {
    if (this.copy === undefined) throw protocolError('entries without a copy');
    this.copy.chunk(bytes, start, end);
  }

  onCopyEnd(): void {
    if (this.copy === undefined) throw protocolError('the end of no copy');
    this.isMatched = true;
    this.following();
    this.copy.end();
  }

  protected copied(): void {
    this.follower!.startFolding();
    this.connection?.acknowledge();
    this.listener.onMoved();
  }

  private abandonCopy(): void {
    this.context.mark('copy-interrupted');
    const { copy } = this;
    this.follower?.close();
    this.follower = undefined;
    this.held = undefined;
    this.copy = undefined;
    this.isConnecting = true;
    copy?.abandon(() => {
      this.isConnecting = false;
      this.connectSoon(0);
    });
  }

  // Becoming the primary.

  protected takeOver(): void {
    const { latest } = this.context.register;
    if (this.isEnded || this.isClaiming || latest === undefined || !isListed(latest, this.self)) return;
    this.context.mark('take-over');
    this.claim({ ...latest, epoch: latest.epoch + 1, primary: this.self!, members: [this.self!] });
  }

  /** Asks the register for an epoch in which this member is the primary. */
  claim(next: GroupRecord): void {
    this.isClaiming = true;
    this.watch.pause();
    // Before the register can have the change: whatever the old primary sends from here on is not acknowledged any more, so it
    // cannot release anything that this journal does not hold.
    this.dropLink(new AepError('AEP_CLUSTER_TAKING_OVER', 'retry', `member ${this.context.options.name} takes over`));
    this.context.register.change(next, (outcome) => {
      if (this.isEnded) return;
      if (outcome === 'done') return this.elected(next);
      // Whether it has happened or not: what the register has now decides. If it names this member, that is not acted on
      // but asked for again, one epoch higher.
      this.context.register.refresh(() => {
        if (this.isEnded) return;
        this.isClaiming = false;
        this.watch.resume();
        this.target = undefined;
        const { latest } = this.context.register;
        if (latest === undefined) this.listener.onUnclaimed();
        else this.onRegister(latest);
      });
    });
  }

  protected elected(record: GroupRecord): void {
    const { held, follower } = this;
    if (held === undefined || follower === undefined) return;
    const isTruth = record.members.length === 1;
    // H4: durable before anything is done in it. A primary that forgot its epoch in a crash could be taken for an older one.
    held.store.setEpoch(record.epoch, (error) => {
      if (this.isEnded) return;
      if (error !== undefined) return this.context.fail(error);
      follower.settleAs(isTruth, () => {
        if (this.isEnded) return;
        this.isEnded = true;
        this.watch.stop();
        follower.close();
        held.usedBy(undefined);
        this.listener.onElected(record, follower, isTruth);
      });
    });
  }

  private use(held: HeldStore): void {
    this.held = held;
    this.follower = this.newFollower(held);
    this.follower.startFolding();
  }

  private newFollower(held: HeldStore): Follower {
    const { clock, options, mark, fail, parts } = this.context;
    return new parts.Follower({
      held,
      clock,
      windowBytes: options.limits.windowBytes,
      recentBytesMax: options.limits.recentBytesMax,
      checkpoint: { intervalMs: options.limits.checkpointIntervalMs },
      mark,
      listener: {
        onDurable: (txId) => {
          this.copy?.durable(txId);
          this.connection?.acknowledge();
        },
        onBadRecord: (error) => this.connection?.end(error),
        onFailure: (error) => fail(error),
      },
    });
  }
}

function refusedForGood({ code, message }: Bye): AepError {
  return new AepError(code, 'fatal', message);
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
