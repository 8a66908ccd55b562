import { linkSync, mkdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { AepError, type Clock, type Log } from '@aep/kernel';
import { openFailed } from './environment.js';

/** Who holds a store: enough to tell a dead owner from a living one, also when its process id has been given to another. */
interface Owner {
  readonly pid: number;
  /** Start time of the process as the system counts it; empty where the system does not say. */
  readonly started: string;
  /** Host, boot and process id namespace: within one of these a process id means something. */
  readonly place: string;
}

/**
 * The file `LOCK` of a store: one writer (S1 … S9 hold for one). A lock whose process is dead is taken over; one of
 * another host or container is not, because its process cannot be looked at from here.
 *
 * @returns what releases the lock
 * @throws AEP_STORE_LOCKED, AEP_STORE_OPEN_FAILED when the directory cannot be made or written
 */
export function lockStore(path: string, takeOverForeignLock: boolean): () => void {
  const lock = `${path}/LOCK`;
  const mine = JSON.stringify(ownOwner());
  const draft = `${lock}.${process.pid}.${process.hrtime.bigint()}`;
  writeDraft(path, draft, mine);
  try {
    // Bounded: each round either gets the lock, refuses, or has removed one dead owner.
    for (let round = 0; round < 5; round++) {
      if (tryLink(draft, lock)) return () => release(lock, mine);
      const found = readOwner(lock);
      if (found === undefined) continue; // released meanwhile
      if (!isStale(found.owner, takeOverForeignLock)) throw locked(path, found.owner);
      removeStale(lock, found.text);
    }
    throw locked(path, undefined);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** How often a lock that is held is looked at again. */
const LOOK_AGAIN_MS = 20;
/** A killed process is gone before this; what takes longer is worth a line in the log. */
const WAIT_SAID_MS = 1_000;

export interface LockOptions {
  readonly path: string;
  readonly takeOverForeignLock: boolean;
  readonly lockWaitMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * As {@link lockStore}, but waits for an owner that may be going: a killed process holds its lock until the system has taken
 * it apart, and whoever restarts it at once is faster than that.
 *
 * @throws AEP_STORE_LOCKED after `lockWaitMs`
 */
export async function awaitStoreLock({
  path,
  takeOverForeignLock,
  lockWaitMs,
  clock,
  log,
}: LockOptions): Promise<() => void> {
  const deadlineMs = clock.monotonicMs() + lockWaitMs;
  for (let look = 1; ; look++) {
    try {
      return lockStore(path, takeOverForeignLock);
    } catch (thrown) {
      if (!(thrown instanceof AepError) || thrown.code !== 'AEP_STORE_LOCKED' || clock.monotonicMs() >= deadlineMs)
        throw thrown;
      if (look * LOOK_AGAIN_MS === WAIT_SAID_MS)
        log.log('warn', 'waiting for the process that has the store open', thrown.facts);
    }
    // The clock's timers keep no process alive, and this wait must come to its end.
    const alive = setInterval(() => undefined, 1_000);
    await new Promise<void>((resolve) => clock.schedule(LOOK_AGAIN_MS, resolve));
    clearInterval(alive);
  }
}

/** The first thing that is written to a store: here it shows that the directory is one, and may be written. */
function writeDraft(path: string, draft: string, text: string): void {
  try {
    mkdirSync(path, { recursive: true });
    writeFileSync(draft, text);
  } catch (thrown) {
    throw openFailed(path, thrown);
  }
}

function tryLink(draft: string, lock: string): boolean {
  try {
    linkSync(draft, lock); // fails when the lock exists: there is no moment between looking and taking
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw thrown;
  }
}

function removeStale(lock: string, text: string): void {
  const aside = `${lock}.stale.${process.pid}`;
  try {
    renameSync(lock, aside);
  } catch {
    return; // another process was faster
  }
  // Between reading and renaming, another process may have removed the dead owner and locked: give its lock back.
  if (readFileSync(aside, 'utf8') !== text) tryLink(aside, lock);
  rmSync(aside, { force: true });
}

function release(lock: string, mine: string): void {
  const found = readOwner(lock);
  if (found?.text === mine) rmSync(lock, { force: true });
}

function readOwner(lock: string): { owner: Owner | undefined; text: string } | undefined {
  let text: string;
  try {
    text = readFileSync(lock, 'utf8');
  } catch {
    return undefined;
  }
  return { owner: parseOwner(text), text };
}

function parseOwner(text: string): Owner | undefined {
  try {
    const { pid, started, place } = JSON.parse(text) as Partial<Record<keyof Owner, unknown>>;
    if (typeof pid !== 'number' || typeof started !== 'string' || typeof place !== 'string') return undefined;
    return { pid, started, place };
  } catch {
    return undefined;
  }
}

/** A lock that cannot be read is one whose writer died while making the disk full: nobody holds it. */
function isStale(owner: Owner | undefined, takeOverForeignLock: boolean): boolean {
  if (owner === undefined) return true;
  if (owner.place !== ownPlace()) return takeOverForeignLock;
  if (!isAlive(owner.pid) || isZombie(owner.pid)) return true;
  // The id lives, but does it live since then? After a restart of a container ids repeat.
  return owner.started !== '' && processStarted(owner.pid) !== owner.started;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Dead, but its parent has not asked how it ended: it holds no files any more. */
function isZombie(pid: number): boolean {
  const stat = readText(`/proc/${pid}/stat`);
  return /^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
}

function ownOwner(): Owner {
  return { pid: process.pid, started: processStarted(process.pid), place: ownPlace() };
}

function ownPlace(): string {
  return `${hostname()} ${readText('/proc/sys/kernel/random/boot_id')} ${readLink('/proc/self/ns/pid')}`;
}

/** Field 22 of /proc/PID/stat: ticks from boot to the start of the process. */
function processStarted(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`);
  // The second field is the command in parentheses and may hold anything, so fields are counted from its end.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

function readLink(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return '';
  }
}

function locked(path: string, owner: Owner | undefined): AepError {
  const by = owner === undefined ? 'another process' : `process ${owner.pid} (${owner.place.split(' ')[0]})`;
  return new AepError(
    'AEP_STORE_LOCKED',
    'reject',
    `the store at ${path} is open for writing in ${by}: stop that engine, or read with openLmdbStoreReader; if it is surely dead on another host, set takeOverForeignLock`,
    { path, pid: owner?.pid },
  );
}
