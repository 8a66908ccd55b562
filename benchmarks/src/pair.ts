import { rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import type { MemberEvent } from '@aep/cluster';
import { SystemClock } from '@aep/kernel';
import { OrderSource } from './order-source.js';
import type { BackupAnswer, BackupQuestion } from './processes/backup-process.js';
import { type OtherProcess, startProcess } from './processes/child.js';
import { TradingMember } from './trading-member.js';
import { tradingBus } from './trading.js';

const BACKUP = 'b';

/** The backup, in a process of its own. */
class Backup {
  private isPaused = false;
  private answered: (answer: BackupAnswer) => void = () => undefined;

  private constructor(private readonly other: OtherProcess<unknown>) {
    other.child.on('message', (answer: BackupAnswer) => this.answered(answer));
  }

  /** The process is up and its store is not opened yet: starting Node is no part of joining. */
  static async boot(directory: string): Promise<Backup> {
    return new Backup(await startProcess('backup-process', { args: [directory, BACKUP] }));
  }

  begin(): void {
    this.tell('begin');
  }

  ask(): Promise<BackupAnswer> {
    return new Promise((resolve) => {
      this.answered = resolve;
      this.tell('ask');
    });
  }

  /** SIGSTOP: it holds its end of the link, and says nothing. */
  pause(): void {
    this.isPaused = true;
    this.other.child.kill('SIGSTOP');
  }

  resume(): void {
    this.isPaused = false;
    this.other.child.kill('SIGCONT');
  }

  stop(): Promise<void> {
    if (this.isPaused) this.resume();
    return this.other.stop();
  }

  private tell(question: BackupQuestion): void {
    this.other.child.send(question);
  }
}

/** Processor time of all threads, for figures that other work on the machine does not change. */
export interface ProcessorTime {
  readonly primaryUs: number;
  readonly backupUs: number;
}

/** From the moment when the backup's link is up to the one when it is listed. */
export interface Joining {
  /** That it lacked when its link came up. */
  readonly records: number;
  /** On the clock of `performance.now()`. */
  readonly beganMs: number;
  readonly endedMs: number;
}

/** The reference case as a pair: the primary in this process, the backup in another, an embedded arbiter. */
export class TradingPair {
  readonly primary: TradingMember;
  /** Of the backup, the last time that it joined; undefined in between. */
  joinBeganMs: number | undefined;
  joinEndedMs: number | undefined;
  private lackedAtJoin = 0;
  private isBackupSlow = false;
  private backup: Backup | undefined;

  private constructor(readonly directory: string) {
    this.primary = new TradingMember({ directory, name: 'a', onEvent: (event) => this.onEvent(event) });
  }

  /** The primary alone. */
  static async start(directory: string): Promise<TradingPair> {
    const pair = new TradingPair(directory);
    pair.primary.member.start();
    await pair.primary.until(() => pair.primary.isActive);
    return pair;
  }

  /** Both, paired. */
  static async startBoth(directory: string): Promise<TradingPair> {
    const pair = await TradingPair.start(directory);
    await pair.bootBackup();
    await pair.join();
    return pair;
  }

  async source(inFlightMax: number): Promise<OrderSource> {
    const source = new OrderSource(this.primary.provider, tradingBus, new SystemClock(), inFlightMax);
    await source.open();
    return source;
  }

  async bootBackup(): Promise<void> {
    this.backup = await Backup.boot(this.directory);
  }

  /** The backup that was booted joins. */
  async join(): Promise<Joining> {
    this.joinBeganMs = undefined;
    this.joinEndedMs = undefined;
    this.backup!.begin();
    await this.primary.until(() => this.joinEndedMs !== undefined);
    return { records: this.lackedAtJoin, beganMs: this.joinBeganMs!, endedMs: this.joinEndedMs! };
  }

  private onEvent(event: MemberEvent): void {
    if (event.type === 'MemberUp' && event.member === BACKUP) {
      this.joinBeganMs ??= performance.now();
      const { followers, lastTxId } = this.primary.status();
      this.lackedAtJoin = followers.find(({ name }) => name === BACKUP)?.lag ?? lastTxId;
    }
    if (event.type === 'MembersChanged' && event.members.length === 2) this.joinEndedMs = performance.now();
  }

  /** The backup goes in order, and the primary goes on alone. */
  async stopBackup(): Promise<void> {
    await this.backup!.stop();
    this.backup = undefined;
    await this.primary.until(() => this.primary.memberCount === 1);
  }

  pauseBackup(): void {
    this.backup!.pause();
  }

  resumeBackup(): void {
    this.backup!.resume();
  }

  /** The backup works and is paused in turns, until what is returned is called. */
  slowBackup({ pausedMs, workingMs }: { pausedMs: number; workingMs: number }): () => Promise<void> {
    this.isBackupSlow = true;
    const slow = async (): Promise<void> => {
      while (this.isBackupSlow) {
        this.pauseBackup();
        await delay(pausedMs);
        this.resumeBackup();
        await delay(workingMs);
      }
    };
    const ended = slow();
    return () => {
      this.isBackupSlow = false;
      return ended;
    };
  }

  untilPaired(): Promise<void> {
    return this.primary.until(() => this.primary.memberCount === 2);
  }

  /** What the backup has on its disk is gone: it will need a copy of the state. */
  forgetBackup(): void {
    rmSync(join(this.directory, BACKUP), { recursive: true, force: true });
  }

  /** Records that the backup has not folded into its tables. */
  async backupLag(): Promise<number> {
    return this.primary.status().stableTxId - (await this.backup!.ask()).appliedTxId;
  }

  /** The backup has nothing left to do. */
  async untilBackupRests(): Promise<void> {
    while ((await this.backupLag()) > 0) await delay(REST_LOOK_MS);
  }

  async processorTime(): Promise<ProcessorTime> {
    const { user, system } = process.cpuUsage();
    return { primaryUs: user + system, backupUs: (await this.backup!.ask()).cpuUs };
  }

  async stop(): Promise<void> {
    // The backup first: it would take over.
    await this.backup?.stop();
    await this.primary.stop();
  }
}

const REST_LOOK_MS = 20;
