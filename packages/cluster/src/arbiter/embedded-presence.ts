import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@aep/kernel';
import { lifeOf, ownProcess, parseProcessOwner } from '@aep/store-lmdb/internal';
import type { Presence } from './arbiter.js';
import { decodePresence, encodePresence, MEMBERS_MAX } from './group-record.js';

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

  constructor(
    path: string,
    group: string,
    private readonly clock: Clock,
    private readonly keptMs: number,
  ) {
    this.directory = join(path, 'presence', encodeURIComponent(group));
  }

  write(presence: Presence): void {
    mkdirSync(this.directory, { recursive: true });
    this.own = this.fileOf(presence.name);
    const draft = `${this.own}.${process.pid}.draft`;
    const entry = { owner: ownProcess(), beat: ++this.beat, presence: encodePresence(presence) };
    writeFileSync(draft, JSON.stringify(entry));
    renameSync(draft, this.own);
  }

  list(): Presence[] {
    const present: Presence[] = [];
    for (const name of this.fileNames().slice(0, MEMBERS_MAX * 2)) {
      const entry = readEntry(join(this.directory, name));
      if (entry !== undefined && this.isRecent(name, entry)) present.push(entry.presence);
    }
    return present;
  }

  remove(): void {
    if (this.own !== undefined) rmSync(this.own, { force: true });
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
    const nowMs = this.clock.monotonicMs();
    const known = this.seen.get(name);
    if (known?.beat === beat) return nowMs - known.sinceMs < this.keptMs;
    // Seen for the first time: how long it has been there only its age by the wall clock can tell. It is a hint.
    this.seen.set(name, {
      beat,
      sinceMs: known === undefined ? nowMs - Math.max(0, ageMs(this.clock.wallMs())) : nowMs,
    });
    return nowMs - this.seen.get(name)!.sinceMs < this.keptMs;
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
