import { resolve } from 'node:path';
import type { CliIo } from '../cli-io.js';

export type CheckStatus = 'ok' | 'warn' | 'fail';

export interface Measured {
  readonly status: CheckStatus;
  readonly found: string;
  readonly advice?: string;
}

export interface Finding extends Measured {
  readonly name: string;
}

export interface Check {
  readonly name: string;
  /** What to do when measuring itself fails. */
  readonly advice: string;
  readonly measure: () => Promise<Measured> | Measured;
}

/** Checks of the machine, for stores in the given directory. */
export function machineChecks({ machine, clock, cwd }: CliIo, dataDir: string): readonly Check[] {
  const directory = resolve(cwd, dataDir);
  return [
    {
      name: 'Node.js',
      advice: 'install Node.js 20.19 or later, or 22.12 or later',
      measure: () => nodeVersion(machine.nodeVersion),
    },
    {
      name: 'storage engine',
      advice: `lmdb needs glibc 2.34 or musl, and the right to write to ${directory}; run the installation of packages again`,
      measure: async () => {
        await machine.tryStore(directory);
        return { status: 'ok', found: 'lmdb loads and stores' };
      },
    },
    {
      name: 'disk sync',
      advice: `the directory must exist and this user must be able to write to it: ${directory}`,
      measure: () => syncTimes(machine.syncTimesMs(directory, SYNCS)),
    },
    {
      name: 'free space',
      advice: `the volume of ${directory} does not answer`,
      measure: () => freeSpace(machine.freeBytes(directory)),
    },
    { name: 'clock', advice: 'set the time of the machine', measure: () => clockCheck(clock.wallMs()) },
    {
      name: 'file descriptors',
      advice: 'raise it with ulimit -n',
      measure: () => descriptors(machine.fileDescriptorLimit()),
    },
  ];
}

const SYNCS = 40;

export function nodeVersion(version: string): Measured {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isSupported = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  if (isSupported) return { status: 'ok', found: version };
  return { status: 'fail', found: version, advice: 'install Node.js 20.19 or later, or 22.12 or later' };
}

/** A sync is in the way of every transaction: group commit hides it from throughput, not from latency. */
export function syncTimes(timesMs: readonly number[]): Measured {
  const sorted = timesMs.toSorted((left, right) => left - right);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const median = at(0.5);
  const found = `median ${median.toFixed(2)} ms, slowest ${at(1).toFixed(2)} ms of ${sorted.length} writes`;
  if (median < 0.02) {
    return {
      status: 'warn',
      found,
      advice: 'no disk is so fast: the volume (tmpfs, a cache without battery) may not survive a power loss',
    };
  }
  if (median <= 5) return { status: 'ok', found };
  if (median <= 50)
    return {
      status: 'warn',
      found,
      advice: 'each transaction waits for this: an SSD or NVMe volume answers in less than 1 ms',
    };
  return {
    status: 'fail',
    found,
    advice:
      'the disk is too slow for synced transactions: use a local SSD, or durability="os" where a power loss may cost data',
  };
}

export function freeSpace(bytes: number): Measured {
  const found = `${(bytes / GIB).toFixed(1)} GiB`;
  if (bytes < 256 * MIB)
    return {
      status: 'fail',
      found,
      advice: 'the journal takes no records when less than its reserve is left: make room',
    };
  if (bytes < 2 * GIB)
    return { status: 'warn', found, advice: 'that is little for a journal: make room, or shorten journalRetention' };
  return { status: 'ok', found };
}

export function clockCheck(wallMs: number): Measured {
  const found = Number.isFinite(wallMs) ? new Date(wallMs).toISOString() : String(wallMs);
  if (wallMs > EARLIEST_MS && wallMs < LATEST_MS) return { status: 'ok', found };
  return {
    status: 'fail',
    found,
    advice: 'the time is wrong: set it, and let a time service keep it; timers and records carry it',
  };
}

export function descriptors(limit: number | undefined): Measured {
  if (limit === undefined) return { status: 'ok', found: 'the system does not say' };
  const found = limit === Infinity ? 'unlimited' : String(limit);
  if (limit < 256)
    return { status: 'fail', found, advice: 'a process with a few connections runs out: ulimit -n 65536' };
  if (limit < 4_096)
    return { status: 'warn', found, advice: 'enough for a few hundred connections; for more: ulimit -n 65536' };
  return { status: 'ok', found };
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;
const EARLIEST_MS = Date.UTC(2025, 0, 1);
const LATEST_MS = Date.UTC(2100, 0, 1);
