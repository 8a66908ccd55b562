import { closeSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MachineProbes } from './cli-io.js';

/** A page, as a small commit of the journal writes it. */
const WRITE_BYTES = 4_096;

/** Measures this machine. */
export function machineProbes(): MachineProbes {
  return {
    nodeVersion: process.versions.node,
    syncTimesMs,
    freeBytes: (directory) => {
      const { bavail, bsize } = statfsSync(directory);
      return bavail * bsize;
    },
    fileDescriptorLimit,
    tryStore,
    isPortFree,
  };
}

function syncTimesMs(directory: string, count: number): number[] {
  const scratch = mkdtempSync(join(directory, '.aep-doctor-'));
  const file = openSync(join(scratch, 'sync'), 'w');
  try {
    const page = Buffer.alloc(WRITE_BYTES, 0x61);
    return Array.from({ length: count }, () => {
      const startedMs = performance.now();
      writeSync(file, page);
      fsyncSync(file);
      return performance.now() - startedMs;
    });
  } finally {
    closeSync(file);
    rmSync(scratch, { recursive: true, force: true });
  }
}

function fileDescriptorLimit(): number | undefined {
  try {
    const soft = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? undefined : soft === 'unlimited' ? Infinity : Number(soft);
  } catch {
    return undefined; // not Linux
  }
}

async function tryStore(directory: string): Promise<void> {
  const scratch = mkdtempSync(join(directory === '' ? tmpdir() : directory, '.aep-doctor-'));
  try {
    const { openLmdbStore } = await import('@aep/store-lmdb');
    const store = await openLmdbStore({
      path: scratch,
      engineName: 'doctor',
      verifyOnOpen: false,
      scrubIntervalMs: 0,
      freeSpaceReserveBytes: 0,
      mapSizeBytes: 16 * 1024 * 1024,
    });
    try {
      await new Promise<void>((resolve, reject) => {
        store.setEpoch(1, (error) => (error === undefined ? resolve() : reject(error)));
      });
    } finally {
      await store.close();
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function isPortFree(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
