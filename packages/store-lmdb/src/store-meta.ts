import { AepError } from '@aep/kernel';
import { type StoreBase, STORE_FORMAT_VERSION, type StoreIdentity } from '@aep/store';
import type { BytesDatabase } from './environment.js';

/** Keys of the two meta databases. */
export const MetaName = {
  identity: Buffer.from('identity'),
  epoch: Buffer.from('epoch'),
  confirmedTxId: Buffer.from('confirmedTxId'),
  appliedTxId: Buffer.from('appliedTxId'),
  base: Buffer.from('base'),
} as const;

export function readNumber(meta: BytesDatabase, name: Uint8Array): number | undefined {
  const bytes = meta.get(name);
  if (bytes?.length !== 8) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true);
}

export function numberBytes(value: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

/** @throws AEP_STORE_FORMAT when the store was written by an incompatible build */
export function readIdentity(meta: BytesDatabase, path: string): StoreIdentity | undefined {
  const bytes = meta.get(MetaName.identity);
  if (bytes === undefined) return undefined;
  const found = parseIdentity(bytes);
  if (found === undefined) throw formatError(path, 'unknown');
  if (found.formatVersion !== STORE_FORMAT_VERSION) throw formatError(path, String(found.formatVersion));
  return found;
}

export function identityBytes(identity: StoreIdentity): Buffer {
  return Buffer.from(JSON.stringify(identity));
}

const BASE_BYTES = 32;

/** txId, hash, epoch and confirmed position in 32 bytes. */
export function baseBytes({ txId, hash, epoch, confirmedTxId }: StoreBase): Buffer {
  const bytes = Buffer.alloc(BASE_BYTES);
  bytes.writeDoubleLE(txId, 0);
  bytes.writeUInt32LE(hash.low, 8);
  bytes.writeUInt32LE(hash.high, 12);
  bytes.writeDoubleLE(epoch, 16);
  bytes.writeDoubleLE(confirmedTxId, 24);
  return bytes;
}

export function readBase(meta: BytesDatabase): StoreBase | undefined {
  const bytes = meta.get(MetaName.base);
  if (bytes?.length !== BASE_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    txId: view.getFloat64(0, true),
    hash: { low: view.getUint32(8, true), high: view.getUint32(12, true) },
    epoch: view.getFloat64(16, true),
    confirmedTxId: view.getFloat64(24, true),
  };
}

function parseIdentity(bytes: Uint8Array): StoreIdentity | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const { formatVersion, engineName, incarnation, memberId } = value as Record<string, unknown>;
    if (typeof formatVersion !== 'number' || typeof engineName !== 'string') return undefined;
    if (typeof incarnation !== 'number' || typeof memberId !== 'string') return undefined;
    return { formatVersion, engineName, incarnation, memberId };
  } catch {
    return undefined; // said by the caller, with the path
  }
}

function formatError(path: string, found: string): AepError {
  return new AepError(
    'AEP_STORE_FORMAT',
    'fatal',
    `the store at ${path} has format ${found}; this build reads ${STORE_FORMAT_VERSION}: use the build that wrote it, or a newer one`,
    { path, found, expected: STORE_FORMAT_VERSION },
  );
}
