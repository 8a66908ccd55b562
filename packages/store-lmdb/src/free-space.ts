import { statfsSync } from 'node:fs';
import { toError } from '@aep/kernel';

/** Asks how much room a volume has: a port, so that a full disk can be tested (S4). */
export interface FreeSpace {
  /** Bytes that an unprivileged process may still write to the volume of `path`. */
  freeBytes(path: string): number;
}

/** The operating system's answer; some microseconds. */
export const diskFreeSpace: FreeSpace = {
  freeBytes(path: string): number {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  },
};

interface Volume {
  readonly path: string;
  readonly freeSpace: FreeSpace;
  readonly freeSpaceReserveBytes: number;
}

/** What is short for writing that many bytes (S4: lmdb must never meet a full disk); undefined when there is room. */
export function lackOfRoom({ path, freeSpace, freeSpaceReserveBytes }: Volume, byteCount: number): string | undefined {
  let free: number;
  try {
    free = freeSpace.freeBytes(path);
  } catch (thrown) {
    return `the volume of ${path} does not say how much room it has: ${toError(thrown).message}`;
  }
  // A commit writes its pages, the path to the root and the free list; twice the bytes covers them generously.
  const needed = 2 * byteCount + freeSpaceReserveBytes;
  if (free >= needed) return undefined;
  return `the volume of ${path} has ${free} bytes left, ${needed} are wanted (freeSpaceReserveBytes ${freeSpaceReserveBytes})`;
}
