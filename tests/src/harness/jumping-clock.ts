import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SeededRandom } from '@aep/kernel';

const LIBRARY = 'faketime/libfaketimeMT.so.1';
const JUMP_EVERY_MS = 40;
/** As faketime reads them. */
const OFFSETS = ['+0', '+3h', '-2h', '+11h', '-11h', '+40d', '-9d', '+10y', '-3y'];

/** Why wall clocks of processes cannot be moved here; undefined when they can. */
export function whyNoFaketime(): string | undefined {
  return library() === undefined ? 'faketime is not installed (Debian: apt-get install faketime)' : undefined;
}

/** A wall clock that jumps back and forth for every process with its environment; their monotonic clocks go on. */
export class JumpingClock {
  readonly environment: Readonly<Record<string, string>>;
  jumps = 0;
  private readonly folder = mkdtempSync(join(tmpdir(), 'aep-clock-'));
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly random: SeededRandom) {
    this.jump();
    this.timer = setInterval(() => this.jump(), JUMP_EVERY_MS);
    this.environment = {
      LD_PRELOAD: library() ?? '',
      FAKETIME_TIMESTAMP_FILE: join(this.folder, 'offset'),
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  stop(): void {
    clearInterval(this.timer);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private jump(): void {
    this.jumps++;
    // Renamed, so that nobody reads a half.
    writeFileSync(join(this.folder, 'next'), `${OFFSETS[this.random.below(OFFSETS.length)]!}\n`);
    renameSync(join(this.folder, 'next'), join(this.folder, 'offset'));
  }
}

function library(): string | undefined {
  const folders = [
    '/usr/lib',
    ...(existsSync('/usr/lib') ? readdirSync('/usr/lib').map((name) => `/usr/lib/${name}`) : []),
  ];
  return folders.map((folder) => join(folder, LIBRARY)).find((file) => existsSync(file));
}
