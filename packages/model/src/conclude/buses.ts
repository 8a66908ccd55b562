import { AepError } from '@aep/kernel';
import { parseBusDescriptor, formatBusDescriptor } from '../descriptor.js';
import { type BusModel, type ChannelModel } from '../gen/model.js';
import { quote } from '../problems.js';
import { type Conclusion, type Draft } from './conclusion.js';
import { freezeVariables, isKeyTemplate } from './key-variables.js';

/** Fills what follows from other values of the buses, and checks how they fit together. */
export function concludeBuses(buses: readonly Draft<BusModel>[], conclusion: Conclusion): void {
  for (const bus of buses) {
    concludeConnection(bus, conclusion);
    concludeChannels(bus, conclusion);
  }
}

/** E90: a descriptor, or its parts. */
function concludeConnection(bus: Draft<BusModel>, conclusion: Conclusion): void {
  if (bus.descriptor !== null) {
    concludeDescriptor(bus, bus.descriptor, conclusion);
    return;
  }
  if (bus.provider === null) {
    const message = 'needs a descriptor, or a provider with its address and port';
    conclusion.problems.add('AEP_MODEL_FIELD_MISSING', conclusion.placeOf(bus), message);
    return;
  }
  conclusion.fill(bus, 'address', bus.address ?? '');
  conclusion.fill(bus, 'path', bus.path ?? '');
  const parts = { provider: bus.provider, address: bus.address ?? '', port: bus.port, path: bus.path ?? '' };
  conclusion.fill(bus, 'descriptor', formatBusDescriptor(parts), [bus, 'provider']);
  if (bus.port !== null && bus.address === '') {
    conclusion.problems.add('AEP_MODEL_RELATION', conclusion.placeOf(bus, 'port'), 'a port needs an address');
  }
}

const CONNECTION_PARTS = ['provider', 'address', 'port', 'path'] as const;

function concludeDescriptor(bus: Draft<BusModel>, text: string, conclusion: Conclusion): void {
  for (const part of CONNECTION_PARTS) {
    if (!conclusion.isWritten(bus, part)) continue;
    const message = `${part} and descriptor exclude each other: the descriptor says it already`;
    conclusion.problems.add('AEP_MODEL_RELATION', conclusion.placeOf(bus, part), message);
  }
  try {
    const { parameters, ...parts } = parseBusDescriptor(text);
    for (const part of CONNECTION_PARTS) conclusion.fill(bus, part, parts[part], [bus, 'descriptor']);
    conclusion.fill(bus, 'descriptor', formatBusDescriptor(parts));
    for (const [name, value] of Object.entries(parameters)) {
      if (!(name in bus.properties!))
        conclusion.addProperty(bus.properties!, { name, value, source: [bus, 'descriptor'] });
    }
  } catch (error) {
    if (!(error instanceof AepError)) throw error;
    const shown = String(error.facts['descriptor']);
    conclusion.problems.add('AEP_MODEL_DESCRIPTOR', conclusion.placeOf(bus, 'descriptor'), error.message, {
      value: shown,
    });
  }
}

function concludeChannels(bus: Draft<BusModel>, conclusion: Conclusion): void {
  const ids = new Map<number, string>();
  for (const channel of (bus.channels ?? []) as Draft<ChannelModel>[]) {
    concludeKey(channel, conclusion);
    if (channel.id === null) continue;
    const other = ids.get(channel.id);
    if (other !== undefined) {
      const message = `the channel ${quote(other)} has the id ${channel.id} too`;
      conclusion.problems.add('AEP_MODEL_RELATION', conclusion.placeOf(channel, 'id'), message, {
        value: String(channel.id),
      });
    }
    ids.set(channel.id, channel.name ?? '');
  }
}

const NOT_IN_A_LEVEL = /[/*>]/;

/** M2, E82: variables of the initial table are put in here, once and for all. */
function concludeKey(channel: Draft<ChannelModel>, conclusion: Conclusion): void {
  const table = channel.initialKeyResolution ?? {};
  for (const [name, value] of Object.entries(table)) {
    if (channel.cleanMessageKey || !NOT_IN_A_LEVEL.test(value)) continue;
    const message = `a key variable may hold no "/", "*" and ">" unless cleanMessageKey is set (E83), got ${quote(value)}`;
    conclusion.problems.add('AEP_MODEL_RELATION', conclusion.placeOf(table, name), message, { value });
  }
  const frozen = channel.cleanMessageKey ? cleaned(table) : table;
  conclusion.fill(channel, 'initialKeyResolution', frozen);
  if (channel.key === null) return;
  if (!isKeyTemplate(channel.key)) {
    const allowed = 'text with ${Name}, ${Name::default} and #[name = hash(${Name}, N)], without "*" and ">"';
    const message = `expected a key template, ${allowed}; got ${quote(channel.key)}`;
    const details = { value: channel.key, allowed };
    conclusion.problems.add('AEP_MODEL_VALUE', conclusion.placeOf(channel, 'key'), message, details);
  }
  conclusion.fill(channel, 'key', freezeVariables(channel.key, frozen));
}

/** E83: what is no letter or digit becomes `_`. */
function cleaned(table: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(table).map(
    ([name, value]) => [name, value.replaceAll(/[^\p{L}\p{N}]/gu, '_')] as const,
  );
  return Object.assign(Object.create(null) as Record<string, string>, Object.fromEntries(entries));
}
