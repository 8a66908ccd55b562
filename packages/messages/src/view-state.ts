/*
 * States of a view. The order matters: a getter asks `state < READABLE` and a setter asks `state !== MUTABLE`, one compare each,
 * and everything unusual (first read of a wrapped view, use after dispose, first change of an absent embedded message) is behind it.
 * Generated code holds the numbers themselves: another number needs all code to be generated anew.
 *
 *   pool -> wrap ──> WRAPPED ──first read──> READABLE ──dispose──> DISPOSED (back in the pool)
 *        -> create ─> MUTABLE ──────────────────────────dispose──> DISPOSED
 *        any of them ──send──> GIVEN_WRAPPED | GIVEN_MUTABLE ──the engine disposes──> DISPOSED
 */

/** In the pool, or forgotten in checked mode. Any use throws. */
export const DISPOSED = 0;
/** A wrapped view that was sent; the engine owns it. */
export const GIVEN_WRAPPED = 1;
/** A created message that was sent; the engine owns it. */
export const GIVEN_MUTABLE = 2;
/** Over received bytes that nobody looked at yet. */
export const WRAPPED = 3;
/** Over received bytes; the pass over the tags was made and the offsets are known. Immutable. */
export const READABLE = 4;
/** An embedded message that its mutable parent does not hold yet: reads as defaults, the first change makes it present. */
export const LATENT = 5;
/** Created or copied; may be changed. */
export const MUTABLE = 6;
