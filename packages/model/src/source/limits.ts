/** M9: a longer source is refused before it is read. Models of people have some kilobytes. */
export const SOURCE_LENGTH_MAX = 4 * 1024 * 1024;

/** Elements or keys inside each other; the model itself needs nine. */
export const DEPTH_MAX = 40;

/** Elements, attributes, keys and items of one source. */
export const NODES_MAX = 50_000;

/** Names which would reach into the prototype of an object somewhere down the line. */
export const FORBIDDEN_NAMES: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);
