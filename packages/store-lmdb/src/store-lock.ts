import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { AepError, type Clock, type Log } from '@aep/kernel';
import { openFailed } from './environment.js';
import { lifeOf, ownProcess, parseProcessOwner, type ProcessOwner } from './process-owner.js';

/**
 * The file `LOCK` of a store: one writer (S1 … S9 hold for one). A lock whose process is dead is taken over; one of
 * another host or container is not, because its process cannot be looked at from here.
 *
 * @returns what releases the lock
 * @throws AEP_STORE_LOCKED, AEP_STORE_OPEN_FAILED when the directory cannot be made or written
 */
export function lockStore(path: string, takeOverForeignLock: boolean): () => void {
  const lock = `${path}/LOCK`;
  const mine = JSON.stringify(ownProcess());
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

function readOwner(lock: string): { owner: ProcessOwner | undefined; text: string } | undefined {
  let text: string;
  try {
    text = readFileSync(lock, 'utf8');
  } catch {
    return undefined;
  }
  return { owner: parseProcessOwner(text), text };
}

/** A lock that cannot be read is one whose writer died while making the disk full: nobody holds it. */
function isStale(owner: ProcessOwner | undefined, takeOverForeignLock: boolean): boolean {
  if (owner === undefined) return true;
  const life = lifeOf(owner);
  return life === 'unknown' ? takeOverForeignLock : life === 'gone';
}

function locked(path: string, owner: ProcessOwner | undefined): AepError {
  const by = owner === undefined ? 'another process' : `process ${owner.pid} (${owner.place.split(' ')[0]})`;
  return new AepError(
    'AEP_STORE_LOCKED',
    'reject',
    `the store at ${path} is open for writing in ${by}: stop that engine, or read with openLmdbStoreReader; if it is surely dead on another host, set takeOverForeignLock`,
    { path, pid: owner?.pid },
  );
}
