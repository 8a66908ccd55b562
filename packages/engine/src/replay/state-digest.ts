import { hash } from 'node:crypto';
import type { StateCodec } from '../app/app-definition.js';

/** The one key of {@link Table.stateDigest}: each transaction puts its own value there. */
export const DIGEST_KEY = new Uint8Array(1);

const DIGEST_BYTES = 16;

/** How members tell whether their states are equal (H11): the application's own way, or a hash of what its codec saves. */
export function digestOf(codec: StateCodec, state: unknown): Uint8Array {
  return codec.digest?.(state) ?? hash('sha1', codec.save(state), 'buffer').subarray(0, DIGEST_BYTES);
}
