/**
 * Seeds that have found something (H34). What a seed does changes with the plans that are drawn from it; each is kept together with
 * what it was found for, and replaced by another one that finds the same when it does not any more.
 */
export const KEPT_SEEDS: readonly { readonly seed: number; readonly found: string }[] = [
  { seed: 132, found: 'a state copy that failed at its end kept its member from stopping' },
  { seed: 2164, found: 'a restarted primary paired a member that lacked what its earlier life had released' },
  { seed: 2241, found: 'a switch asked for a primary that was no member any more' },
  {
    seed: 712761,
    found: 'a follower that was told of a later epoch while its store was being made acknowledged nothing for ever',
  },
];
