import type { Machine, PairWorld } from '@aep/testkit/pairs';

export interface DiskSwapParts {
  readonly backup: Machine;
  readonly primary: Machine;
  /** No fault strikes any more. */
  readonly isOver: () => boolean;
  /** The group survives the loss of the backup's disk. */
  readonly isSpare: () => boolean;
  /** Starts the backup. */
  readonly boot: () => void;
  /** The primary's changes do not get there. */
  readonly cutRegister: (isCut: boolean) => void;
  readonly killPrimary: () => void;
  /** There was no opportunity. */
  readonly onMissed: () => void;
}

/**
 * Two disks of one backup take turns (H3):
 *
 * ```
 * disk 1  | listed |                            | catches up |
 * disk 2           | gets a copy, is listed |                | takes over |
 * register                                 - - - cannot be changed - - -
 * primary                                                    | dies
 * ```
 * What disk 1 acknowledges at the end says nothing about disk 2, which is the one that may take over.
 */
export class DiskSwap {
  constructor(
    private readonly world: PairWorld,
    private readonly parts: DiskSwapParts,
  ) {}

  begin(durationMs: number): void {
    const { backup, isSpare, boot, onMissed } = this.parts;
    if (!this.isListed() || !isSpare()) return onMissed();
    this.world.loseDisk(backup);
    boot();
    this.whenListed(durationMs, LOOKS_MAX);
  }

  /** The second disk is, at some time. */
  private whenListed(durationMs: number, looksLeft: number): void {
    const { backup, primary, isOver, isSpare, boot, cutRegister, killPrimary, onMissed } = this.parts;
    const isChangedBy = (one: Machine): boolean => one !== primary && this.world.isChanging(one);
    const { world } = this;
    if (looksLeft === 0) return onMissed();
    world.clock.schedule(LOOK_MS, () => {
      if (isOver()) return onMissed();
      if (!this.isListed() || !isSpare()) return this.whenListed(durationMs, looksLeft - 1);
      cutRegister(true);
      if (!world.bringBackDisk(backup)) return cutRegister(false);
      boot();
      const { record } = world.register;
      world.clock.schedule(durationMs, () => {
        if (isOver()) return;
        // Else the first disk may be listed by now, or other faults have swapped them already: nobody takes away what the group lives on.
        const isAsBefore = world.register.record === record && !world.machines.some((one) => isChangedBy(one));
        if (isAsBefore && !this.isListed() && world.bringBackDisk(backup)) {
          killPrimary();
          boot();
        }
        cutRegister(false);
      });
    });
  }

  /** With the store that it has. */
  private isListed(): boolean {
    const { backup } = this.parts;
    const members = this.world.register.record?.members ?? [];
    const storeId = backup.disk.identity?.memberId;
    return storeId !== undefined && members.some((ref) => ref.name === backup.name && ref.storeId === storeId);
  }
}

const LOOK_MS = 5;
const LOOKS_MAX = 40;
