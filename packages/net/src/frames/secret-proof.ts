import { createHmac, timingSafeEqual } from 'node:crypto';
import { type PayloadReader, PayloadWriter } from './payload.js';

/** Bytes of the challenge that each side of a handshake draws anew. */
export const NONCE_BYTES = 16;
const PROOF_BYTES = 32;
const NO_PROOF = new Uint8Array(0);

/** What a proof is about. A part that is left out of it could be exchanged by whoever is in between. */
export interface ProofSubject {
  /** Name and version of the protocol: a proof of one says nothing in another. */
  readonly protocol: string;
  /** Whose proof it is: keeps a side from reflecting the other's. */
  readonly role: string;
  /** Who talks to whom. */
  readonly names: readonly string[];
  /** Of both sides: keep an old proof from being played again. */
  readonly nonces: readonly Uint8Array[];
}

/** Shows that this side knows the secret without telling it: HMAC-SHA256 over the subject. Empty without a secret. */
export function makeSecretProof(secret: string | undefined, subject: ProofSubject): Uint8Array {
  if (secret === undefined) return NO_PROOF;
  const texts = new PayloadWriter().text(subject.role);
  for (const name of subject.names) texts.text(name);
  const hmac = createHmac('sha256', secret).update(subject.protocol).update(texts.done());
  for (const nonce of subject.nonces) hmac.update(nonce);
  return hmac.digest();
}

/** - `one-sided`: only one of the two sides has a secret. - `different`: the secrets are not the same. */
export type ProofFault = 'one-sided' | 'different';

/** What is wrong with the proof that was given, in a time that does not tell how much of it is right. */
export function faultOfProof(expected: Uint8Array, given: Uint8Array): ProofFault | undefined {
  if (expected.length === given.length && timingSafeEqual(expected, given)) return undefined;
  return expected.length === 0 || given.length === 0 ? 'one-sided' : 'different';
}

/** Length u8, then the proof. */
export function encodeProof(proof: Uint8Array): Uint8Array {
  return new PayloadWriter().u8(proof.length).raw(proof).done();
}

/** Takes a proof, which may be empty. @throws what the reader throws for a payload that breaks its protocol */
export function readProof(reader: PayloadReader): Uint8Array {
  const length = reader.u8();
  if (length !== 0 && length !== PROOF_BYTES) throw reader.malformed(`a proof of ${length} bytes`);
  return reader.raw(length);
}
