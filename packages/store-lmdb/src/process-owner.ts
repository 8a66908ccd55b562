import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process that owns something on the disk: enough to tell a dead owner from a living one, also when its process id has been given to another. */
export interface ProcessOwner {
  readonly pid: number;
  /** Start time of the process as the system counts it; empty where the system does not say. */
  readonly started: string;
  /** Host, boot and process id namespace: within one of these a process id means something. */
  readonly place: string;
}

/** @returns undefined for a text that is none */
export function parseProcessOwner(text: string): ProcessOwner | undefined {
  try {
    const { pid, started, place } = JSON.parse(text) as Partial<Record<keyof ProcessOwner, unknown>>;
    if (typeof pid !== 'number' || typeof started !== 'string' || typeof place !== 'string') return undefined;
    return { pid, started, place };
  } catch {
    return undefined;
  }
}

/** Whether a process still runs; `unknown` for one of another host or container, which cannot be looked at from here. */
export function lifeOf(owner: ProcessOwner): 'runs' | 'gone' | 'unknown' {
  if (owner.place !== ownPlace()) return 'unknown';
  if (!isAlive(owner.pid) || isZombie(owner.pid)) return 'gone';
  // The id lives, but does it live since then? After a restart of a container ids repeat.
  return owner.started !== '' && processStarted(owner.pid) !== owner.started ? 'gone' : 'runs';
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

/** This process. */
export function ownProcess(): ProcessOwner {
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
