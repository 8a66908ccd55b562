import { AepError, type Clock, type Log, type Random, silentLog } from '@aep/kernel';
import type { Network } from '@aep/net';
import type { Store, StoreMaker } from '@aep/store';
import type { Arbiter, GroupRecord, MemberRef } from '../arbiter/arbiter.js';
import { HeldStore } from '../replication/held-store.js';
import type { ReplayPort } from '../replication/replay-port.js';
import { type BackupRole, type Election, promotionRefused } from './backup-role.js';
import { Bootstrap } from './bootstrap.js';
import type { MemberContext } from './context.js';
import type { EngineMaker } from './engine-port.js';
import type { MemberEvent, MemberRole } from './events.js';
import { LinkPort } from './link-port.js';
import type { MarkName } from './marks.js';
import { memberStopped } from './member-errors.js';
import { type ConcludedMemberOptions, concludeMemberOptions, type MemberOptions } from './options.js';
import { SHIPPED_PARTS } from './shipped-parts.js';
import type { MemberParts } from './parts.js';
import type { PrimaryRole } from './primary-role.js';
import { isListed, type Register } from './register.js';
import { describeMember, type MemberStatus } from './status.js';
import { switchRefused } from './switch-over.js';

/** Where a member gets everything from. The arbiter is its owner's to close, after `onStopped`. */
export interface MemberPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly arbiter: Arbiter;
  readonly stores: StoreMaker;
  readonly engines: EngineMaker;
  readonly log?: Log;
  readonly onEvent?: (event: MemberEvent) => void;
  /** Once: everything has ended. With a cause when the member could not go on (H22): the process is to exit with an error. */
  readonly onStopped?: (cause: AepError | undefined) => void;
  /** What this member does with stable records while it is a backup. @default nothing but folding them */
  readonly replay?: ReplayPort;
  /** Counts rare branches, for simulations. */
  readonly onMark?: (name: MarkName) => void;
  /** For simulations. @default the classes of this package */
  readonly parts?: Partial<MemberParts>;
}

/**
 * One member of a group (H1–H22): opens its store, finds out from the register what it is, and is that until it learns
 * otherwise.
 *
 * ```
 *           ┌── register empty ── bootstrap ──┐
 * joining ──┤                                 ├──> primary ── a later epoch ──> stepping-down ──┐
 *    ^      └── follow ──> backup ── elected ─┘                                                 │
 *    └──────────────────────────────────────────────────────────────────────────────────────────┘
 * ```
 * Everything is callbacks on the clock of its ports; nothing is called back after `onStopped`.
 */
export class Member {
  private readonly context: MemberContext;
  private readonly options: ConcludedMemberOptions;
  private readonly port: LinkPort;
  private readonly register: Register;
  private shown: MemberRole = 'joining';
  private shownEpoch = 0;
  private phase: 'created' | 'running' | 'stopping' | 'stopped' = 'created';
  private cause: AepError | undefined;
  private address = '';
  private held: HeldStore | undefined;
  private backup: BackupRole | undefined;
  private primary: PrimaryRole | undefined;
  private bootstrap: Bootstrap | undefined;

  /** @throws AEP_CLUSTER_OPTION_INVALID, AEP_LINK_INSECURE, AEP_NET_ADDRESS_INVALID */
  constructor(
    options: MemberOptions,
    private readonly ports: MemberPorts,
  ) {
    this.options = concludeMemberOptions(options, ports.network.isMutual === true);
    const { clock, random, network, arbiter, stores, engines } = ports;
    const log = (ports.log ?? silentLog).child({ group: options.group, member: options.name });
    const parts = { ...SHIPPED_PARTS, ...ports.parts };
    const mark = ports.onMark ?? ((): void => undefined);
    this.register = new parts.Register({
      arbiter,
      clock,
      log,
      pollMs: this.options.limits.registerPollMs,
      retryMs: this.options.limits.registerRetryMs,
      mark,
      onChange: (record) => this.onRegister(record),
    });
    this.context = {
      options: this.options,
      clock,
      random,
      log,
      network,
      arbiter,
      maker: stores,
      engines,
      register: this.register,
      parts,
      replay: ports.replay,
      mark,
      emit: (event) => this.emit(event),
      fail: (cause) => this.fail(cause),
    };
    this.port = new LinkPort(this.context, {
      admission: () => this.primary,
      epoch: () => this.knownEpoch(),
      onListening: (address) => this.onListening(address),
      onFailed: (cause) => this.fail(cause),
    });
  }

  /** Begins; what becomes of it is told by events. Once. */
  start(): void {
    if (this.phase !== 'created') return;
    this.phase = 'running';
    this.port.listen();
  }

  /** Ends in order: a primary first lets its engine finish. `onStopped` follows. */
  stop(): void {
    if (this.phase === 'created') this.phase = 'stopped';
    if (this.phase !== 'running') return;
    this.phase = 'stopping';
    this.context.log.log('info', 'the member stops');
    const { primary } = this;
    if (primary === undefined) this.shutDown();
    else primary.drain(true);
  }

  /**
   * Hands over to another listed member (H8): the engine here ends in order, then the register names the other. Typically well
   * under 100 ms on one host.
   *
   * @param done with AEP_CLUSTER_SWITCH_REFUSED when it was not made; then this member is what it was
   */
  switchTo(name: string, done: (error: AepError | undefined) => void): void {
    const { primary, phase } = this;
    if (phase === 'running' && primary !== undefined) primary.switchTo(name, done);
    else this.context.clock.defer(() => done(switchRefused(name, `${this.options.name} is not the primary`)));
  }

  /**
   * Makes this member the primary although it is not listed (H9): for the day when no listed member is left. Events that were
   * acknowledged may be lost, and receivers may have seen messages that are not in this journal. The caller has asked a person.
   *
   * @param done with AEP_CLUSTER_PROMOTION_REFUSED when the register was not changed
   */
  promoteUnsafe(done: (error: AepError | undefined) => void): void {
    const { backup, phase, options } = this;
    if (phase === 'running' && backup !== undefined) backup.promoteUnsafe(done);
    else {
      const why = this.primary === undefined ? 'it does not run' : 'it is the primary';
      this.context.clock.defer(() => done(promotionRefused(options.name, why)));
    }
  }

  status(): MemberStatus {
    return describeMember({
      options: this.options,
      role: this.shown,
      epoch: this.knownEpoch(),
      address: this.address,
      register: this.register.latest,
      store: this.held?.store ?? this.backup?.held?.store,
      primary: this.primary,
      backup: this.backup,
      replay: this.ports.replay,
      cause: this.cause,
    });
  }

  // It begins.

  private onListening(address: string): void {
    this.address = this.options.advertisedAddress ?? address;
    this.openStore((store) => {
      this.announce(store);
      this.register.start();
      this.follow(store);
    });
  }

  private openStore(opened: (store: Store | undefined) => void): void {
    this.context.maker.open((error, store) => {
      if (this.phase !== 'running') {
        // A stop came while it was being opened.
        this.closeThen(store, () => this.finish());
      } else if (error !== undefined) this.fail(error);
      else opened(store);
    });
  }

  private follow(store: Store | undefined): void {
    this.followWith(store === undefined ? undefined : new HeldStore(store, (error) => this.fail(error)));
  }

  private followWith(held: HeldStore | undefined): void {
    this.held = undefined;
    this.backup = new this.context.parts.BackupRole(this.context, held, {
      onElected: (election) => this.onElected(election),
      onMoved: () => this.showRole(),
      onUnclaimed: () => {
        // The attempt to begin the group was not answered, and it has not begun.
        this.bootstrap = undefined;
        this.beginGroup();
      },
    });
    this.showRole();
    this.onRegister(this.register.latest);
  }

  /** So that the others find this member; a hint, repeated because it may be lost. */
  private announce(store: Store | undefined): void {
    if (this.phase !== 'running') return;
    const { options, address } = this;
    const now = store ?? this.backup?.held?.store ?? this.held?.store;
    this.context.arbiter.announce({
      name: options.name,
      storeId: now?.identity.memberId ?? '',
      address,
      priority: options.priority,
      version: options.version,
      lastTxId: now?.journal.lastTxId ?? 0,
    });
    this.context.clock.schedule(options.limits.registerPollMs, () => this.announce(undefined));
  }

  // The register decides.

  private onRegister(record: GroupRecord | undefined): void {
    if (this.phase !== 'running' && this.phase !== 'stopping') return;
    if (!this.register.isKnown) return;
    if (record === undefined) this.beginGroup();
    // A store is being made here: another must not be made beside it. When it is there, what the register says is looked at again.
    else if (this.bootstrap?.isMaking !== true) {
      this.bootstrap?.stop();
      this.bootstrap = undefined;
      if (this.primary !== undefined) this.primary.onRegister(record);
      else this.backup?.onRegister(record);
    }
    this.showRole();
  }

  /** Nobody has ever been the primary of this group. */
  private beginGroup(): void {
    const { backup } = this;
    if (this.bootstrap !== undefined || backup === undefined || this.phase !== 'running') return;
    this.bootstrap = new Bootstrap(this.context, backup.held?.store, {
      onStore: (store) => {
        // The role begins anew with the store that was made.
        this.bootstrap = undefined;
        if (this.phase === 'running') backup.end(() => this.follow(store));
        else this.closeThen(store, () => undefined);
      },
      onClaim: (record) => this.backup?.claim(record),
    });
    this.bootstrap.start();
  }

  private onElected(election: Election): void {
    this.backup = undefined;
    this.held = election.held;
    if (this.phase !== 'running') return this.shutDown();
    const primary = new this.context.parts.PrimaryRole(this.context, {
      election,
      listener: {
        onDeposed: () => this.showRole(),
        onEngineEnded: (cause) => this.onEngineEnded(primary, cause),
        onActive: () => this.showRole(),
      },
    });
    this.primary = primary;
    // The register may have moved on while the epoch was being made durable: then no engine begins.
    this.onRegister(this.register.latest);
    primary.start();
    this.showRole();
  }

  private onEngineEnded(primary: PrimaryRole, cause: AepError | undefined): void {
    if (this.primary !== primary) return;
    const { held } = this;
    if (this.phase !== 'running') return this.shutDown();
    if (primary.phase !== 'ended') {
      // It ended by itself, by a policy of the application (E20) or a failure: this member cannot be the primary any more.
      this.fail(cause ?? memberStopped(this.options.name));
      return this.shutDown(); // no other end of the engine follows
    }
    this.primary = undefined;
    this.held = undefined;
    this.showRole();
    if (primary.isStoreIdle) return this.followWith(held);
    // Closed and opened again, because writes of the engine to the tables may still be on their way.
    this.closeThen(held!.store, () => {
      if (this.phase === 'running') this.openStore((store) => this.follow(store));
    });
  }

  // It ends.

  /** H22: this member cannot go on. Nothing is acknowledged or released after it. */
  private fail(cause: AepError): void {
    if (this.phase === 'stopped' || this.cause !== undefined) return;
    this.cause = cause;
    this.context.log.log('error', 'the member fails', {}, cause);
    this.phase = 'stopping';
    const { primary } = this;
    if (primary !== undefined && primary.phase !== 'ended') {
      primary.end(cause, memberStopped(this.options.name));
      return; // the engine's end shuts down
    }
    if (primary === undefined) this.shutDown();
  }

  /** No engine runs any more. */
  private shutDown(): void {
    this.register.stop();
    this.bootstrap?.stop();
    const saying = memberStopped(this.options.name);
    const { primary, backup } = this;
    this.primary = undefined;
    primary?.end(saying);
    const closeStore = (): void => {
      const store = this.held?.store ?? backup?.held?.store;
      this.held = undefined;
      this.backup = undefined;
      // A store that has failed may never close (S3): the process is about to exit.
      if (this.cause !== undefined) this.finish();
      else this.closeThen(store, () => this.finish());
    };
    this.port.close(saying, () => {
      if (backup === undefined) closeStore();
      else backup.end(closeStore, saying);
    });
  }

  private closeThen(store: Store | undefined, done: () => void): void {
    if (store === undefined) done();
    else store.close().then(done, done);
  }

  private finish(): void {
    if (this.phase === 'stopped') return;
    this.phase = 'stopped';
    this.showRole();
    this.ports.onStopped?.(this.cause);
  }

  // What is shown.

  private knownEpoch(): number {
    return Math.max(this.primary?.epoch ?? 0, this.register.latest?.epoch ?? 0);
  }

  private showRole(): void {
    const role = this.roleNow();
    const epoch = this.knownEpoch();
    if (role === this.shown && (role !== 'primary' || epoch === this.shownEpoch)) return;
    this.shown = role;
    this.shownEpoch = epoch;
    this.emit({ type: 'RoleChanged', role, epoch });
  }

  private roleNow(): MemberRole {
    if (this.phase === 'stopped') return 'stopped';
    if (this.primary !== undefined) return this.primary.phase === 'ended' ? 'stepping-down' : 'primary';
    const self: MemberRef | undefined = this.backup?.self;
    return isListed(this.register.latest, self) ? 'backup' : 'joining';
  }

  private emit(event: MemberEvent): void {
    this.context.log.log('info', event.type, { ...summaryOf(event) });
    this.ports.onEvent?.(event);
  }
}

function summaryOf(event: MemberEvent): Record<string, string | number | undefined> {
  const facts: Record<string, string | number | undefined> = {};
  for (const [name, value] of Object.entries(event))
    if (name !== 'type' && (typeof value === 'string' || typeof value === 'number')) facts[name] = value;
    else if (value instanceof AepError) facts[name] = `${value.code}: ${value.message}`;
  return facts;
}
