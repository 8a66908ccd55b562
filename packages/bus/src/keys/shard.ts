import { hashString } from '@aep/kernel';

/** E80: 1..shards, the same on every machine and in every version. */
export function shardOf(value: string, shards: number): number {
  return (hashString(value) % shards) + 1;
}
