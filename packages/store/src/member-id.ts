import type { Random } from '@aep/kernel';

/** 64 random bits: whoever was given another disk, or a fresh one, is told from the member that it was. */
export function newMemberId(random: Random): string {
  return hex(random.uint32()) + hex(random.uint32());
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}
