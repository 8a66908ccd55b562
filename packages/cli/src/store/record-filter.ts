import { AepError, didYouMean } from '@aep/kernel';
import type { RecordFilterOptions } from '../options/filter-options.js';
import { usageError } from '../usage-error.js';
import type { AppTypes } from './app-types.js';
import type { MessageJson, RecordJson } from './record-json.js';

/** A predicate on records. @throws AEP_CLI_USAGE, AEP_CLI_NAME_UNKNOWN, AEP_CLI_TYPES_NEEDED */
export function recordFilter(options: RecordFilterOptions, types: AppTypes): (record: RecordJson) => boolean {
  const tests: ((record: RecordJson) => boolean)[] = [];
  const { type, channel, where, collection, key } = options;
  if (type !== undefined) {
    const fullName = typeName(type, types);
    tests.push((record) => messagesOf(record).some((message) => message.type === fullName));
  }
  if (channel !== undefined)
    tests.push((record) => placesOf(record).some((place) => place === channel || place.startsWith(`${channel}@`)));
  const conditions = (where ?? []).map(parseCondition);
  if (conditions.length > 0) {
    if (!types.isKnown) throw typesNeeded('--where');
    tests.push((record) =>
      messagesOf(record).some(({ content }) => conditions.every(({ path, value }) => textAt(content, path) === value)),
    );
  }
  if (collection !== undefined || key !== undefined) {
    tests.push((record) => record.changes.some((change) => isChangeOf(change, collection, key)));
  }
  return (record) => tests.every((test) => test(record));
}

export function typesNeeded(what: string): AepError {
  const text = `${what} looks into messages and state, whose types are not known: add --model FILE with --app NAME, or --types MODULE`;
  return new AepError('AEP_CLI_TYPES_NEEDED', 'reject', text, { what });
}

/** The full name of a type from its full name, its last part, or its ids. */
function typeName(given: string, { messages, isKnown }: AppTypes): string {
  if (/^\d+:\d+$/.test(given)) {
    const [factoryId, typeId] = given.split(':').map(Number);
    return messages.find(factoryId!, typeId!)?.fullName ?? given;
  }
  if (!isKnown) throw typesNeeded('--type');
  const names = messages.types.map(({ fullName }) => fullName);
  const matching = names.filter((name) => name === given || name.endsWith(`.${given}`));
  if (matching.length === 1) return matching[0]!;
  const problem =
    matching.length > 1
      ? `may be ${matching.join(' or ')}`
      : `is not known${didYouMean(given, [...names, ...names.map(lastPart)])}`;
  throw new AepError('AEP_CLI_NAME_UNKNOWN', 'reject', `message type "${given}" ${problem}`, {
    what: 'message type',
    name: given,
  });
}

function lastPart(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf('.') + 1);
}

function messagesOf({ message, outbound }: RecordJson): MessageJson[] {
  const sent = outbound.map((each) => each.message);
  return message === null ? sent : [message, ...sent];
}

function placesOf({ cause, outbound }: RecordJson): string[] {
  const places = outbound.map(({ channel, bus }) => `${channel}@${bus}`);
  return cause !== null && 'channel' in cause ? [`${cause.channel}@${cause.bus}`, ...places] : places;
}

function isChangeOf(
  change: RecordJson['changes'][number],
  collection: string | undefined,
  key: string | undefined,
): boolean {
  if (collection !== undefined && change.collection !== collection) return false;
  return key === undefined || String(change.key ?? change.keyHex) === key;
}

function parseCondition(text: string): { path: readonly string[]; value: string } {
  const at = text.indexOf('=');
  if (at < 1) throw usageError(`--where takes field=value, got "${text}"`);
  return { path: text.slice(0, at).split('.'), value: text.slice(at + 1) };
}

/** The value below a path as text; ProtoJSON leaves fields out that have their default, which read as empty. */
function textAt(content: unknown, path: readonly string[]): string {
  let current = content;
  for (const name of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, name)) return '';
    current = (current as Record<string, unknown>)[name];
  }
  return typeof current === 'string' ? current : (JSON.stringify(current) ?? '');
}
