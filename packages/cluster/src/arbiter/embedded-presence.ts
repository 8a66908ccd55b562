import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@aep/kernel';
import { lifeOf, ownProcess, parseProcessOwner } from '@aep/store-lmdb/internal';
import type { Presence } from './arbiter.js';
import { decodePresence, encodePresence, MEMBERS_MAX } from './group-record.js';

export interface PresenceParts {
  readonly clock: Clock;
  /** A file counts for so long after it was last written. */
  readonly keptMs: number;
  /** An announcement could not be written; the next one is tried as if nothing had been. */
  readonly onFailure: (thrown: unknown) => void;
}

/**
 * Who is there, as one small file per member beside the register. Not in LMDB: a member that is paused while it repeats its
 * announcement must not hold the lock that a takeover needs.
 *
 * A file counts while its process lives and it has been written again lately; lately by this process's monotonic clock.
 */
export class EmbeddedPresence {
  private readonly directory: string;
  private readonly seen = new Map<string, { beat: number; sinceMs: number }>();
  private beat = 0;
  private own: string | undefined;
  private isWriting = false;
  /** What was announced while an earlier announcement was being written; only the last counts. */
  private next: Presence | undefined;
  private removed: (() => void) | undefined;

  constructor(
    path: string,
    group: string,
    private readonly parts: PresenceParts,
  ) {
    this.directory = join(path, 'presence', encodeURIComponent(group));
  }

  /** Beside the event loop: while a disk is busy with commits, renaming a file may take as long as one of them. */
  write(presence: Presence): void {
    this.next = presence;
    if (!this.isWriting && this.removed === undefined) this.writeNext(presence);
  }

  private writeNext(presence: Presence): void {
    this.next = undefined;
    this.isWriting = true;
    const own = this.fileOf(presence.name);
    this.own = own;
    const draft = `${own}.${process.pid}.draft`;
    const entry = { owner: ownProcess(), beat: ++this.beat, presence: encodePresence(presence) };
    const written = async (): Promise<void> => {
      await mkdir(this.directory, { recursive: true });
      await writeFile(draft, JSON.stringify(entry));
      await rename(draft, own);
    };
    written().then(
      () => this.ended(),
      (thrown: unknown) => {
        this.parts.onFailure(thrown);
        this.ended();
      },
    );
  }

  private ended(): void {
    this.isWriting = false;
    if (this.removed !== undefined) this.remove(this.removed);
    else if (this.next !== undefined) this.writeNext(this.next);
  }

  /** For good; an announcement that is being written is waited for. */
  remove(done: () => void): void {
    this.removed = done;
    if (this.isWriting) return;
    if (this.own !== undefined) rmSync(this.own, { force: true });
    done();
  }

  list(): Presence[] {
    const present: Presence[] = [];
    for (const name of this.fileNames().slice(0, MEMBERS_MAX * 2)) {
      const entry = readEntry(join(this.directory, name));
      if (entry !== undefined && this.isRecent(name, entry)) present.push(entry.presence);
    }
    return present;
  }

  private fileNames(): string[] {
    try {
      return readdirSync(this.directory)
        .filter((name) => name.endsWith('.json'))
        .sort();
    } catch {
      return []; // nobody has announced itself yet
    }
  }

  private isRecent(name: string, { beat, isGone, ageMs }: Entry): boolean {
    if (isGone) return false;
    const nowMs = this.parts.clock.monotonicMs();
    const known = this.seen.get(name);
    if (known?.beat === beat) return nowMs - known.sinceMs < this.parts.keptMs;
    // Seen for the first time: how long it has been there only its age by the wall clock can tell. It is a hint.
    this.seen.set(name, {
      beat,
      sinceMs: known === undefined ? nowMs - Math.max(0, ageMs(this.parts.clock.wallMs())) : nowMs,
    });
    return nowMs - this.seen.get(name)!.sinceMs < this.parts.keptMs;
  }

  private fileOf(member: string): string {
    return join(this.directory, `${encodeURIComponent(member)}.json`);
  }
}

interface Entry {
  readonly presence: Presence;
  readonly beat: number;
  readonly isGone: boolean;
  readonly ageMs: (nowWallMs: number) => number;
}

function readEntry(file: string): Entry | undefined {
  try {
    const { owner, beat, presence } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    const process = parseProcessOwner(JSON.stringify(owner));
    const decoded = typeof presence === 'string' ? decodePresence(presence) : undefined;
    if (process === undefined || decoded === undefined || typeof beat !== 'number') return undefined;
    const { mtimeMs } = statSync(file);
    return { presence: decoded, beat, isGone: lifeOf(process) === 'gone', ageMs: (nowMs) => nowMs - mtimeMs };
  } catch {
    return undefined; // removed meanwhile, or not ours
  }
}
