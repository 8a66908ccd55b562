import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../../harness/paths.js';

// What is patched has no public types here; each bug knows the few things that it uses.
type Method = (this: Record<string, Method | undefined>, ...args: unknown[]) => unknown;

/** Name of the bug, file below packages, class, method, and what takes the method's place. */
export type MethodBug = readonly [
  name: string,
  file: string,
  className: string,
  method: string,
  replacement: (original: Method) => Method,
];

/** Replaces a method from outside until the answer is called. @throws when there is no such method: the bug needs a new place */
export async function patched([name, file, className, method, replacement]: MethodBug): Promise<() => void> {
  const url = pathToFileURL(join(ROOT, 'packages', file)).href;
  const module = (await import(url)) as Record<string, { prototype: Record<string, Method> } | undefined>;
  const prototype = module[className]?.prototype;
  const original = prototype?.[method];
  if (prototype === undefined || original === undefined)
    throw new Error(`${className}.${method} in packages/${file} is gone: "${name}" needs a new place`);
  prototype[method] = replacement(original);
  return () => void (prototype[method] = original);
}
