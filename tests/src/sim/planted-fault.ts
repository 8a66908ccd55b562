import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Invariant } from '../checker/invariants.js';
import { ROOT } from '../harness/paths.js';

/**
 * A guarantee that is switched off (H33). The shipped code has no switch for it: a method of a class is replaced from
 * outside, in the process of the test only.
 */
export interface PlantedFault {
  readonly name: string;
  /** One of these must be named by the checker. */
  readonly caughtBy: readonly Invariant[];
  plant(): Promise<void>;
}

// What the engine is made of has no public types here; each fault knows the few members that it uses.

// oxlint-disable-next-line typescript/no-explicit-any
type Method = (this: any, ...args: any[]) => any;
type Replacement = (original: Method) => Method;

/** Replaces a method of a class for good. @throws when there is no such method any more: the fault must be written anew */
async function replace(file: string, className: string, method: string, replacement: Replacement): Promise<void> {
  const url = pathToFileURL(join(ROOT, 'packages', file)).href;
  const module = (await import(url)) as Record<string, { prototype: Record<string, Method> } | undefined>;
  const prototype = module[className]?.prototype;
  const original = prototype?.[method];
  if (prototype === undefined || original === undefined)
    throw new Error(`${className}.${method} in packages/${file} is gone: the planted fault needs a new place`);
  prototype[method] = replacement(original);
}

export function fault(
  name: string,
  caughtBy: readonly Invariant[],
  place: readonly [file: string, className: string, method: string],
  replacement: Replacement,
): PlantedFault {
  return { name, caughtBy, plant: () => replace(...place, replacement) };
}
