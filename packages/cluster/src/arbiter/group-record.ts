import { AepError, assert } from '@aep/kernel';
import type { GroupRecord, MemberRef, Presence } from './arbiter.js';

/** A register is small: more members than this were never meant. */
export const MEMBERS_MAX = 32;
/** A record or presence as JSON; what is longer is not one of ours. */
export const REGISTER_BYTES_MAX = 65_536;
const TEXT_LENGTH_MAX = 256;

/** Checks what a member wants to set: a wrong one is a mistake of ours. */
export function assertNext(expectedEpoch: number, record: GroupRecord): void {
  assert(Number.isSafeInteger(expectedEpoch) && expectedEpoch >= 0, 'the expected epoch is 0 or that of a record');
  assert(record.epoch === expectedEpoch + 1, 'every change of the register raises the epoch by exactly one (H1)');
  assert(readRecord(record) !== undefined, 'a record names its primary, and the primary is one of its members');
}

export function encodeRecord(record: GroupRecord): string {
  const { epoch, primary, members, incarnation } = record;
  return JSON.stringify({ epoch, primary: refOf(primary), members: members.map(refOf), incarnation });
}

/** @throws AEP_ARBITER_RECORD when somebody else has written to the register's place */
export function decodeRecord(text: string, where: string): GroupRecord {
  const record = readRecord(parse(text));
  if (record === undefined) throw foreignRecord(where);
  return record;
}

export function encodePresence(presence: Presence): string {
  return JSON.stringify(presence);
}

/** Undefined for what is not a presence: hints are passed over, not complained of. */
export function decodePresence(text: string): Presence | undefined {
  const value = parse(text);
  if (!isObject(value)) return undefined;
  const { name, storeId, address, priority, version, lastTxId } = value;
  // A member that has no store yet has no id of one.
  if (!isText(name) || typeof storeId !== 'string' || !isText(address) || typeof version !== 'string') return undefined;
  if (typeof priority !== 'number' || typeof lastTxId !== 'number') return undefined;
  return { name, storeId, address, priority, version, lastTxId };
}

/** @throws AEP_OPTION_INVALID when it could not be a key */
export function groupName(group: string): string {
  if (/^[A-Za-z][A-Za-z0-9_.-]{0,199}$/.test(group)) return group;
  throw new AepError(
    'AEP_OPTION_INVALID',
    'reject',
    `group: expected a name of letters, digits, "_", "." and "-", got ${JSON.stringify(group.slice(0, 200))}`,
    { name: 'group' },
  );
}

function readRecord(value: unknown): GroupRecord | undefined {
  if (!isObject(value)) return undefined;
  const { epoch, primary, members, incarnation } = value;
  if (!isCount(epoch) || epoch < 1 || !isCount(incarnation)) return undefined;
  if (!isRef(primary) || !Array.isArray(members)) return undefined;
  if (members.length === 0 || members.length > MEMBERS_MAX || !members.every(isRef)) return undefined;
  if (new Set(members.map(({ name }) => name)).size !== members.length) return undefined;
  if (!members.some((member) => member.name === primary.name && member.storeId === primary.storeId)) return undefined;
  return Object.freeze({
    epoch,
    primary: refOf(primary),
    members: Object.freeze(members.map(refOf)),
    incarnation,
  });
}

function refOf({ name, storeId }: MemberRef): MemberRef {
  return { name, storeId };
}

function isRef(value: unknown): value is MemberRef {
  return isObject(value) && isText(value['name']) && isText(value['storeId']);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= TEXT_LENGTH_MAX;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function parse(text: string): unknown {
  if (text.length > REGISTER_BYTES_MAX) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function foreignRecord(where: string): AepError {
  return new AepError(
    'AEP_ARBITER_RECORD',
    'fatal',
    `${where} holds something that is no register of a group: give the group another name or prefix, or remove the key when no member runs`,
    { where },
  );
}
