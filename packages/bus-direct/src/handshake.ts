import { AepError } from '@aep/kernel';
import { faultOfProof, makeSecretProof, NONCE_BYTES, readProof } from '@aep/net/internal';
import { PayloadReader, PayloadWriter } from './payload.js';
import { MAGIC, protocolError, PROTOCOL_VERSION } from './protocol.js';

export { encodeProof, NONCE_BYTES } from '@aep/net/internal';

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
    proof: readProof(reader),
  };
  reader.done();
  if (welcome.windowMessages === 0 || welcome.windowBytes === 0)
    throw protocolError('a window that lets nothing through');
  return welcome;
}

export function decodeProof(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const reader = new PayloadReader(bytes, start, end, 'proof');
  const proof = readProof(reader);
  reader.done();
  return proof;
}

/** Both nonces and all names: nobody in between can exchange one of them. */
export function makeProof(
  secret: string | undefined,
  role: 'sender' | 'receiver',
  hello: Hello,
  receiverNonce: Uint8Array,
): Uint8Array {
  return makeSecretProof(secret, {
    protocol: 'aep-direct-1',
    role,
    names: [hello.bus, hello.fromApp, hello.toApp],
    nonces: [hello.nonce, receiverNonce],
  });
}

/** Both sides have the same secret, or both have none. @throws AEP_DIRECT_AUTH_FAILED (retry) */
export function checkProof(expected: Uint8Array, given: Uint8Array): void {
  const fault = faultOfProof(expected, given);
  if (fault === undefined) return;
  throw new AepError(
    'AEP_DIRECT_AUTH_FAILED',
    'retry',
    fault === 'one-sided'
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
