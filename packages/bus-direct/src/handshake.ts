import { createHmac, timingSafeEqual } from 'node:crypto';
import { AepError } from '@aep/kernel';
import { PayloadReader, PayloadWriter } from './payload.js';
import { MAGIC, protocolError, PROTOCOL_VERSION } from './protocol.js';

export const NONCE_BYTES = 16;
const PROOF_BYTES = 32;
const NO_PROOF = new Uint8Array(0);

/** What a sender says first. */
export interface Hello {
  readonly bus: string;
  readonly fromApp: string;
  readonly toApp: string;
  /** Tells the lives of a binding apart, in logs. */
  readonly incarnation: number;
  readonly messageBytesMax: number;
  readonly heartbeatMs: number;
  readonly nonce: Uint8Array;
}

/** What a receiver answers. */
export interface Welcome {
  readonly incarnation: number;
  /** Messages that may be sent and not acknowledged. */
  readonly windowMessages: number;
  readonly windowBytes: number;
  readonly heartbeatMs: number;
  readonly nonce: Uint8Array;
  /** Empty without a secret. */
  readonly proof: Uint8Array;
}

export function encodeHello(hello: Hello): Uint8Array {
  return new PayloadWriter()
    .u32(MAGIC)
    .u8(PROTOCOL_VERSION)
    .text(hello.bus)
    .text(hello.fromApp)
    .text(hello.toApp)
    .u32(hello.incarnation)
    .u32(hello.messageBytesMax)
    .u32(hello.heartbeatMs)
    .raw(hello.nonce)
    .done();
}

/** @throws AEP_DIRECT_PROTOCOL, AEP_DIRECT_VERSION (retry) */
export function decodeHello(bytes: Uint8Array, start: number, end: number): Hello {
  const reader = new PayloadReader(bytes, start, end, 'hello');
  if (reader.u32() !== MAGIC) throw protocolError('its first frame is no hello');
  checkVersion(reader.u8());
  const hello: Hello = {
    bus: reader.text(),
    fromApp: reader.text(),
    toApp: reader.text(),
    incarnation: reader.u32(),
    messageBytesMax: reader.u32(),
    heartbeatMs: reader.u32(),
    nonce: reader.raw(NONCE_BYTES),
  };
  reader.done();
  return hello;
}

export function encodeWelcome(welcome: Welcome): Uint8Array {
  return new PayloadWriter()
    .u8(PROTOCOL_VERSION)
    .u32(welcome.incarnation)
    .u32(welcome.windowMessages)
    .u32(welcome.windowBytes)
    .u32(welcome.heartbeatMs)
    .raw(welcome.nonce)
    .u8(welcome.proof.length)
    .raw(welcome.proof)
    .done();
}

/** @throws AEP_DIRECT_PROTOCOL, AEP_DIRECT_VERSION (retry) */
export function decodeWelcome(bytes: Uint8Array, start: number, end: number): Welcome {
  const reader = new PayloadReader(bytes, start, end, 'welcome');
  checkVersion(reader.u8());
  const welcome: Welcome = {
    incarnation: reader.u32(),
    windowMessages: reader.u32(),
    windowBytes: reader.u32(),
    heartbeatMs: reader.u32(),
    nonce: reader.raw(NONCE_BYTES),
    proof: decodeProofOf(reader),
  };
  reader.done();
  if (welcome.windowMessages === 0 || welcome.windowBytes === 0)
    throw protocolError('a window that lets nothing through');
  return welcome;
}

export function encodeProof(proof: Uint8Array): Uint8Array {
  return new PayloadWriter().u8(proof.length).raw(proof).done();
}

export function decodeProof(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const reader = new PayloadReader(bytes, start, end, 'proof');
  const proof = decodeProofOf(reader);
  reader.done();
  return proof;
}

function decodeProofOf(reader: PayloadReader): Uint8Array {
  const length = reader.u8();
  if (length !== 0 && length !== PROOF_BYTES) throw protocolError(`a proof of ${length} bytes`);
  return reader.raw(length);
}

/**
 * Shows that this side knows the secret without telling it: HMAC-SHA256 over role, both nonces and all names. The role
 * keeps a side from reflecting the other's proof, the nonces from replaying an old one.
 */
export function makeProof(
  secret: string | undefined,
  role: 'sender' | 'receiver',
  hello: Hello,
  receiverNonce: Uint8Array,
): Uint8Array {
  if (secret === undefined) return NO_PROOF;
  const names = new PayloadWriter().text(role).text(hello.bus).text(hello.fromApp).text(hello.toApp).done();
  return createHmac('sha256', secret)
    .update('aep-direct-1')
    .update(names)
    .update(hello.nonce)
    .update(receiverNonce)
    .digest();
}

/** Both sides have the same secret, or both have none. @throws AEP_DIRECT_AUTH_FAILED (retry) */
export function checkProof(expected: Uint8Array, given: Uint8Array): void {
  if (expected.length === given.length && timingSafeEqual(expected, given)) return;
  throw new AepError(
    'AEP_DIRECT_AUTH_FAILED',
    'retry',
    given.length === 0 || expected.length === 0
      ? 'one side has a secret for this bus and the other has none: set the same "secret" or "secretEnv" on both'
      : 'the two sides have different secrets for this bus',
  );
}

function checkVersion(version: number): void {
  if (version === PROTOCOL_VERSION) return;
  throw new AepError(
    'AEP_DIRECT_VERSION',
    'retry',
    `the peer speaks version ${version} of the direct bus, this side version ${PROTOCOL_VERSION}`,
    { peerVersion: version, version: PROTOCOL_VERSION },
  );
}
