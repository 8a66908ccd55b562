import { AepError } from '@aep/kernel';
import { faultOfProof, makeSecretProof, NONCE_BYTES, PayloadWriter, readProof } from '@aep/net/internal';
import type { RecordHash } from '@aep/store';
import { LINK_MAGIC, LINK_VERSION, PayloadReader, protocolError } from './protocol.js';

export { encodeProof, NONCE_BYTES } from '@aep/net/internal';

/** What a follower says first. */
export interface Hello {
  readonly group: string;
  readonly member: string;
  /** Empty when it has no store. */
  readonly storeId: string;
  /** Of its store; 0 when it has none. */
  readonly incarnation: number;
  /** The oldest record that it keeps; one past the last when it keeps none. */
  readonly firstTxId: number;
  readonly lastTxId: number;
  readonly lastHash: RecordHash;
  /** Everything up to here is in its tables and cannot be cut (E35). */
  readonly appliedTxId: number;
  readonly promisedEpoch: number;
  /** Format of the records that it can read. */
  readonly recordVersion: number;
  /** Of the product (H14). */
  readonly version: string;
  /** Bytes of records that it takes before they are durable. */
  readonly windowBytes: number;
  readonly heartbeatMs: number;
  readonly nonce: Uint8Array;
}

/** What a primary answers. */
export interface Welcome {
  readonly member: string;
  readonly storeId: string;
  readonly epoch: number;
  readonly incarnation: number;
  readonly version: string;
  readonly heartbeatMs: number;
  readonly nonce: Uint8Array;
  /** Empty without a secret. */
  readonly proof: Uint8Array;
}

export function encodeHello(hello: Hello): Uint8Array {
  return new PayloadWriter()
    .u32(LINK_MAGIC)
    .u8(LINK_VERSION)
    .text(hello.group)
    .text(hello.member)
    .text(hello.storeId)
    .u53(hello.incarnation)
    .u53(hello.firstTxId)
    .u53(hello.lastTxId)
    .u32(hello.lastHash.low)
    .u32(hello.lastHash.high)
    .u53(hello.appliedTxId)
    .u32(hello.promisedEpoch)
    .u8(hello.recordVersion)
    .text(hello.version)
    .u32(hello.windowBytes)
    .u32(hello.heartbeatMs)
    .raw(hello.nonce)
    .done();
}

/** @throws AEP_LINK_PROTOCOL, AEP_LINK_VERSION (retry) */
export function decodeHello(bytes: Uint8Array, start: number, end: number): Hello {
  const reader = new PayloadReader(bytes, start, end, 'hello');
  if (reader.u32() !== LINK_MAGIC) throw protocolError('its first frame is no hello');
  checkLinkVersion(reader.u8());
  const hello: Hello = {
    group: reader.text(),
    member: reader.text(),
    storeId: reader.text(),
    incarnation: reader.u53(),
    firstTxId: reader.u53(),
    lastTxId: reader.u53(),
    lastHash: { low: reader.u32(), high: reader.u32() },
    appliedTxId: reader.u53(),
    promisedEpoch: reader.u32(),
    recordVersion: reader.u8(),
    version: reader.text(),
    windowBytes: reader.u32(),
    heartbeatMs: reader.u32(),
    nonce: reader.raw(NONCE_BYTES),
  };
  reader.done();
  if (hello.firstTxId > hello.lastTxId + 1 || hello.appliedTxId > hello.lastTxId)
    throw protocolError('positions that do not fit together');
  if (hello.windowBytes === 0) throw protocolError('a window that lets nothing through');
  return hello;
}

export function encodeWelcome(welcome: Welcome): Uint8Array {
  return new PayloadWriter()
    .u8(LINK_VERSION)
    .text(welcome.member)
    .text(welcome.storeId)
    .u32(welcome.epoch)
    .u53(welcome.incarnation)
    .text(welcome.version)
    .u32(welcome.heartbeatMs)
    .raw(welcome.nonce)
    .u8(welcome.proof.length)
    .raw(welcome.proof)
    .done();
}

/** @throws AEP_LINK_PROTOCOL, AEP_LINK_VERSION (retry) */
export function decodeWelcome(bytes: Uint8Array, start: number, end: number): Welcome {
  const reader = new PayloadReader(bytes, start, end, 'welcome');
  checkLinkVersion(reader.u8());
  const welcome: Welcome = {
    member: reader.text(),
    storeId: reader.text(),
    epoch: reader.u32(),
    incarnation: reader.u53(),
    version: reader.text(),
    heartbeatMs: reader.u32(),
    nonce: reader.raw(NONCE_BYTES),
    proof: readProof(reader),
  };
  reader.done();
  return welcome;
}

export function decodeProof(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const reader = new PayloadReader(bytes, start, end, 'proof');
  const proof = readProof(reader);
  reader.done();
  return proof;
}

/** Both nonces, group and member: nobody in between can exchange one of them. */
export function makeProof(
  secret: string | undefined,
  role: 'primary' | 'follower',
  hello: Hello,
  primaryNonce: Uint8Array,
): Uint8Array {
  return makeSecretProof(secret, {
    protocol: 'aep-link-1',
    role,
    names: [hello.group, hello.member, hello.storeId],
    nonces: [hello.nonce, primaryNonce],
  });
}

/** Both sides have the same secret, or both have none. @throws AEP_LINK_AUTH_FAILED (retry) */
export function checkProof(expected: Uint8Array, given: Uint8Array): void {
  const fault = faultOfProof(expected, given);
  if (fault === undefined) return;
  throw new AepError(
    'AEP_LINK_AUTH_FAILED',
    'retry',
    fault === 'one-sided'
      ? 'one member has a secret for the link and the other has none: set the same one on all members'
      : 'the two members have different secrets for the link',
  );
}

/**
 * H14: members one minor version apart replicate in both directions, if they agree on the format of records.
 *
 * @throws AEP_LINK_VERSION (retry)
 */
export function checkVersions(
  mine: { version: string; recordVersion: number },
  theirs: { version: string; recordVersion: number },
): void {
  const [major, minor] = numbersOf(mine.version);
  const [theirMajor, theirMinor] = numbersOf(theirs.version);
  const isNear = major === theirMajor && Math.abs(minor - theirMinor) <= 1;
  if (isNear && mine.recordVersion === theirs.recordVersion) return;
  throw new AepError(
    'AEP_LINK_VERSION',
    'retry',
    `the other member runs version ${theirs.version.slice(0, 40)} with record format ${theirs.recordVersion}, this one ${mine.version} with ${mine.recordVersion}: ` +
      'members may be one minor version apart; upgrade in steps',
    { version: mine.version, otherVersion: theirs.version.slice(0, 40) },
  );
}

function numbersOf(version: string): [number, number] {
  const match = /^(\d{1,6})\.(\d{1,6})\./.exec(version);
  return match === null ? [Number.NaN, Number.NaN] : [Number(match[1]), Number(match[2])];
}

function checkLinkVersion(version: number): void {
  if (version === LINK_VERSION) return;
  throw new AepError(
    'AEP_LINK_VERSION',
    'retry',
    `the other member speaks version ${version} of the link, this one version ${LINK_VERSION}: upgrade in steps`,
    { version: LINK_VERSION, otherVersion: version },
  );
}
