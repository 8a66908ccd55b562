import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SeededRandom } from '@aep/kernel';
import type { EngineImage } from '../checker/engine-image.js';
import { describeViolations, type Violation } from '../checker/invariants.js';
import { readStore } from '../checker/lmdb-image.js';
import { checkOrders } from '../checker/orders-effects.js';
import { expectedResult } from './expected-result.js';
import { type InvoiceCsv, randomInvoices } from './invoice-csv.js';
import type { ManagedProcess } from './managed-process.js';
import { ENGINES } from './paths.js';
import { SupervisorLog } from './supervisor-log.js';

export interface RoundOptions {
  readonly seed: number;
  /** Made for this round; kept when it fails. */
  readonly folder: string;
  /** Kills after which the rest runs to its end. */
  readonly killsMax: number;
  /** Lines of the input that is made. */
  readonly lineCount: number;
  /** What ends a process: at once, or in order. @default SIGKILL */
  readonly signal?: 'SIGKILL' | 'SIGTERM' | undefined;
  /** Variables for all processes. @default none */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /** A CSV of the caller's instead. */
  readonly input?: string | undefined;
}

export interface RoundResult {
  readonly kills: number;
  readonly lines: number;
}

/** One input from its first line to its last through any number of kills: what both kinds of rounds share. */
export class KillRound {
  readonly random: SeededRandom;
  readonly log: SupervisorLog;
  readonly input: string;
  kills = 0;
  private readonly csv: Pick<InvoiceCsv, 'bytes'> & Partial<InvoiceCsv>;

  constructor(readonly options: RoundOptions) {
    this.random = new SeededRandom(options.seed);
    mkdirSync(options.folder, { recursive: true });
    this.log = new SupervisorLog(join(options.folder, 'supervisor.log'));
    this.log.note('round', { seed: options.seed, killsMax: options.killsMax });
    this.csv =
      options.input === undefined
        ? randomInvoices(this.random, options.lineCount)
        : { bytes: readFileSync(options.input) };
    this.input = options.input ?? join(options.folder, 'input.csv');
    if (options.input === undefined) writeFileSync(this.input, this.csv.bytes);
  }

  /**
   * Settings of the example's model. Two rounds of three keep their whole journals, so that everything can be checked; the others
   * trim. One of two takes many small checkpoints, so that the thread that folds them is at work when the kill comes.
   */
  get environment(): Readonly<Record<string, string>> {
    const { seed, environment } = this.options;
    return { ...(seed % 3 === 0 ? {} : KEEP_JOURNALS), ...(seed % 2 === 0 ? SMALL_CHECKPOINTS : {}), ...environment };
  }

  /** Ends a process as the round does it. @throws when it was told to stop in order and did not */
  async end(child: ManagedProcess): Promise<void> {
    const { signal = 'SIGKILL' } = this.options;
    const end = await child.kill(signal);
    if (signal === 'SIGKILL' || end.signal === 'SIGTERM' || STOPPED_CODES.has(end.code)) return;
    throw new Error(`${signal} ended a process with ${end.code ?? end.signal}: ${child.errors}\n${this.replay}`);
  }

  get isSpent(): boolean {
    return this.kills >= this.options.killsMax;
  }

  /** The stores of the example's apps below a data directory; the example keeps them by the content of its input. */
  storesOf(data: string): string {
    const identity = createHash('sha256').update(this.csv.bytes).digest('hex').slice(0, 16);
    return join(data, 'orders', identity);
  }

  /** Checks what is on the disks while no process runs. @throws naming the invariants that broke */
  async checkDisks(stores: string, isComplete: boolean): Promise<void> {
    const images = await readImages(stores);
    const violations = checkOrders(images, { lines: this.csv.lines, isComplete });
    this.log.note('checked', { isComplete, violations: violations.length });
    if (violations.length > 0) throw this.failure(violations);
  }

  /** Numbers of the invoice lines; undefined for an input of the caller's. */
  get lines(): ReadonlySet<number> | undefined {
    return this.csv.lines;
  }

  /** Compares the example's JSON with the independent fold of the input. */
  async checkResult(result: unknown): Promise<void> {
    const expected = await expectedResult(this.csv.bytes);
    this.log.note('result', { result });
    if (sortedJson(result) === sortedJson(expected)) return;
    throw new Error(
      `the result is ${sortedJson(result)}\nthe fold of the input ${sortedJson(expected)}\n${this.replay}`,
    );
  }

  get result(): RoundResult {
    return { kills: this.kills, lines: this.csv.bytes.toString().split('\n').length - 1 };
  }

  get replay(): string {
    return `seed ${this.options.seed}; files and the supervisor's log are in ${this.options.folder}`;
  }

  private failure(violations: readonly Violation[]): Error {
    return new Error(`after ${this.kills} kills:\n${describeViolations(violations)}\n${this.replay}`);
  }
}

/** Drained; interrupted, as the example says it; told to stop before it had started. */
const STOPPED_CODES: ReadonlySet<number | null> = new Set([0, 130, 143]);

/** A setting of the example's model for each of its apps, as the environment gives it. */
export function settingOfEach(setting: string, value: string): Readonly<Record<string, string>> {
  const apps = ENGINES.map((engine) => engine.replace('-', '_').toUpperCase());
  return Object.fromEntries(apps.map((app) => [`X_APPS_${app}_${setting}`, value]));
}

const SMALL_CHECKPOINTS = settingOfEach('STORAGE_PERSISTENCE_CHECKPOINTENTRIES', '50');
const KEEP_JOURNALS = settingOfEach('STORAGE_PERSISTENCE_JOURNALRETENTION', '1h');

async function readImages(stores: string): Promise<Map<string, EngineImage>> {
  const images = new Map<string, EngineImage>();
  for (const engine of ENGINES) images.set(engine, await readStore(join(stores, engine), engine));
  return images;
}

/** With the keys of all objects in order, so that equal results are equal texts. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
