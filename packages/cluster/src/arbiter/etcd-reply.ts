import type { GroupRecord } from './arbiter.js';
import type { EtcdReply } from './etcd-client.js';
import { decodeRecord } from './group-record.js';

/** What a key holds; revisions are 64-bit and stay decimal text, as the gateway gives them. */
export interface EtcdEntry {
  readonly value: string;
  readonly revision: string;
}

/** The register and the revision in which it was written; `0` and no record when it is not there. */
export interface RegisterEntry {
  readonly record: GroupRecord | undefined;
  readonly revision: string;
}

/** Keys and values are base64 in the gateway's JSON. */
export function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

export function listOf(value: unknown): readonly EtcdReply[] {
  return Array.isArray(value) ? value.filter((one): one is EtcdReply => typeof one === 'object' && one !== null) : [];
}

/** Fields that are 0 or empty are left out by the gateway. */
export function numberOf(holder: unknown, name: string): string {
  const value = typeof holder === 'object' && holder !== null ? (holder as EtcdReply)[name] : undefined;
  return typeof value === 'string' && /^\d+$/.test(value) ? value : '0';
}

export function entriesOf(kvs: unknown): readonly EtcdEntry[] {
  return listOf(kvs).map((kv) => ({
    value: Buffer.from(typeof kv['value'] === 'string' ? kv['value'] : '', 'base64').toString('utf8'),
    revision: numberOf(kv, 'mod_revision'),
  }));
}

/** @throws AEP_ARBITER_RECORD */
export function registerOf(entries: readonly EtcdEntry[], where: string): RegisterEntry {
  const entry = entries[0];
  if (entry === undefined) return { record: undefined, revision: '0' };
  return { record: decodeRecord(entry.value, where), revision: entry.revision };
}

/** Revisions as text, without leading zeros: the longer is the later. */
export function isLater(revision: string, than: string): boolean {
  return revision.length === than.length ? revision > than : revision.length > than.length;
}
