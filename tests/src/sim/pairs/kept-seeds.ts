/**
 * Seeds that have found something (H34). What a seed does changes with the plans that are drawn from it; each is kept together with
 * what it was found for, and replaced by another one that finds the same when it does not any more.
 */
export const KEPT_SEEDS: readonly { readonly seed: number; readonly found: string }[] = [];
