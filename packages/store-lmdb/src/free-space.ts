import { statfsSync } from 'node:fs';

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
