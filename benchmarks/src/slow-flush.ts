import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('../native/slow-flush.c', import.meta.url));
const BYTES_PER_COUNT = 4;

/** What makes every flush of another process take longer, and counts them; built from C when a case asks for it. */
export interface SlowFlush {
  /** For the environment of that process. */
  readonly env: Readonly<Record<string, string>>;
  readonly countsPath: string;
}

/** @returns a text when it cannot be built here: why, and what to install */
export function buildSlowFlush(directory: string, delayUs: number, isMetaDelayed: boolean): SlowFlush | string {
  if (process.platform !== 'linux') return 'flushes can be slowed down on Linux only (LD_PRELOAD)';
  const library = join(directory, 'slow-flush.so');
  const build = spawnSync('cc', ['-O2', '-shared', '-fPIC', '-o', library, SOURCE, '-ldl'], { encoding: 'utf8' });
  if (build.error !== undefined) return 'there is no C compiler (Debian: apt-get install gcc libc6-dev)';
  if (build.status !== 0) return `slow-flush.c could not be built: ${build.stderr.trim()}`;
  const countsPath = join(directory, 'flush-counts');
  writeFileSync(countsPath, Buffer.alloc(2 * BYTES_PER_COUNT));
  const env = { LD_PRELOAD: library, AEP_FLUSH_DELAY_US: String(delayUs), AEP_FLUSH_COUNTS: countsPath };
  return { env: isMetaDelayed ? { ...env, AEP_FLUSH_META: '1' } : env, countsPath };
}

export interface FlushCounts {
  readonly all: number;
  /** Those for which the event loop of the process stood still. */
  readonly onEventLoop: number;
}

export function readFlushCounts(path: string): FlushCounts {
  const counts = readFileSync(path);
  return { all: counts.readUInt32LE(0), onEventLoop: counts.readUInt32LE(BYTES_PER_COUNT) };
}
