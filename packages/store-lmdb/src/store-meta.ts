import { AepError } from '@aep/kernel';
import { type StoreBase, STORE_FORMAT_VERSION, type StoreIdentity } from '@aep/store';
import { CHECK_BYTES, checkOf, keySeed, viewed } from './entry-check.js';
import type { BytesDatabase } from './environment.js';

/** Keys of the two meta databases. */
export const MetaName = {
  identity: Buffer.from('identity'),
  epoch: Buffer.from('epoch'),
  confirmedTxId: Buffer.from('confirmedTxId'),
  appliedTxId: Buffer.from('appliedTxId'),
  base: Buffer.from('base'),
} as const;

/** @throws AEP_STORE_DAMAGED */
export function readNumber(meta: BytesDatabase, name: Uint8Array): number | undefined {
  return numberOf(name, meta.get(name));
}

/** @throws AEP_STORE_DAMAGED */
export function numberOf(name: Uint8Array, bytes: Uint8Array | undefined): number | undefined {
  return bytes === undefined ? undefined : opened(name, bytes, NUMBER_BYTES).getFloat64(0, true);
}

export function numberBytes(name: Uint8Array, value: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(NUMBER_BYTES + CHECK_BYTES);
  bytes.writeDoubleLE(value);
  return sealed(name, bytes);
}

const NUMBER_BYTES = 8;

/** Puts the checksum over name and value into the last bytes. */
function sealed(name: Uint8Array, bytes: Buffer): Buffer {
  const length = bytes.length - CHECK_BYTES;
  bytes.writeInt32LE(checkOf(seedOf(name), viewed(bytes).view, 0, length), length);
  return bytes;
}

function opened(name: Uint8Array, bytes: Uint8Array, length: number): DataView {
  const { view } = viewed(bytes);
  const isWhole =
    bytes.length === length + CHECK_BYTES && view.getInt32(length, true) === checkOf(seedOf(name), view, 0, length);
  if (!isWhole) throw metaDamaged(name);
  return view;
}

function seedOf(name: Uint8Array): number {
  return keySeed(0, name, 0, name.length);
}

/** @throws AEP_STORE_FORMAT when the store was written by an incompatible build, AEP_STORE_DAMAGED */
export function readIdentity(meta: BytesDatabase, path: string): StoreIdentity | undefined {
  const bytes = meta.get(MetaName.identity);
  if (bytes === undefined) return undefined;
  const found = parseIdentity(bytes);
  if (found === undefined) throw formatError(path, 'unknown');
  const { check, ...identity } = found;
  // Before the checksum, which older formats do not have.
  if (identity.formatVersion !== STORE_FORMAT_VERSION) throw formatError(path, String(identity.formatVersion));
  if (check !== identityCheck(identity)) throw metaDamaged(MetaName.identity);
  return identity;
}

export function identityBytes(identity: StoreIdentity): Buffer {
  return Buffer.from(JSON.stringify({ ...identity, check: identityCheck(identity) }));
}

function identityCheck({ formatVersion, engineName, incarnation, memberId }: StoreIdentity): number {
  const text = Buffer.from(JSON.stringify([formatVersion, engineName, incarnation, memberId]));
  return checkOf(seedOf(MetaName.identity), viewed(text).view, 0, text.length);
}

const BASE_BYTES = 32;

/** txId, hash, epoch and confirmed position in 32 bytes, and the checksum. */
export function baseBytes({ txId, hash, epoch, confirmedTxId }: StoreBase): Buffer {
  const bytes = Buffer.alloc(BASE_BYTES + CHECK_BYTES);
  bytes.writeDoubleLE(txId, 0);
  bytes.writeUInt32LE(hash.low, 8);
  bytes.writeUInt32LE(hash.high, 12);
  bytes.writeDoubleLE(epoch, 16);
  bytes.writeDoubleLE(confirmedTxId, 24);
  return sealed(MetaName.base, bytes);
}

/** @throws AEP_STORE_DAMAGED */
export function readBase(meta: BytesDatabase): StoreBase | undefined {
  const bytes = meta.get(MetaName.base);
  if (bytes === undefined) return undefined;
  const view = opened(MetaName.base, bytes, BASE_BYTES);
  return {
    txId: view.getFloat64(0, true),
    hash: { low: view.getUint32(8, true), high: view.getUint32(12, true) },
    epoch: view.getFloat64(16, true),
    confirmedTxId: view.getFloat64(24, true),
  };
}

function parseIdentity(bytes: Uint8Array): (StoreIdentity & { readonly check: unknown }) | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const { formatVersion, engineName, incarnation, memberId, check } = value as Record<string, unknown>;
    if (typeof formatVersion !== 'number' || typeof engineName !== 'string') return undefined;
    if (typeof incarnation !== 'number' || typeof memberId !== 'string') return undefined;
    return { formatVersion, engineName, incarnation, memberId, check };
  } catch {
    return undefined; // said by the caller, with the path
  }
}

function metaDamaged(name: Uint8Array): AepError {
  const text = Buffer.from(name).toString();
  return new AepError(
    'AEP_STORE_DAMAGED',
    'fatal',
    `the store's ${text} does not read back as it was written: take the store from another member or a backup, and keep this one for inspection`,
    { name: text },
  );
}

function formatError(path: string, found: string): AepError {
  return new AepError(
    'AEP_STORE_FORMAT',
    'fatal',
    `the store at ${path} has format ${found}; this build reads ${STORE_FORMAT_VERSION}: use the build that wrote it, or a newer one`,
    { path, found, expected: STORE_FORMAT_VERSION },
  );
}
