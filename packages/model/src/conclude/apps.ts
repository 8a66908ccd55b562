import {
  type AppBusModel,
  type AppChannelModel,
  type AppModel,
  type BusModel,
  type ChannelModel,
} from '../gen/model.js';
import { quote } from '../problems.js';
import { type Conclusion, type Draft } from './conclusion.js';
import { formatFilter, freezeVariables, keyVariables, parseFilter, sameVariable } from './key-variables.js';

/** Fills what follows from other values of the apps, and checks that what they name is there. */
export function concludeApps(
  apps: readonly Draft<AppModel>[],
  buses: readonly BusModel[],
  conclusion: Conclusion,
): void {
  for (const app of apps) {
    concludeMessaging(app as AppModel, buses, conclusion);
    concludeStorage(app as AppModel, conclusion);
    checkRetries(app as AppModel, conclusion);
  }
}

function concludeMessaging(app: AppModel, buses: readonly BusModel[], conclusion: Conclusion): void {
  const known = buses.map((bus) => bus.name);
  for (const reference of app.messaging.buses) {
    const bus = buses.find((candidate) => candidate.name === reference.name);
    if (bus !== undefined) {
      for (const channel of reference.channels) concludeChannel(channel, { reference, bus }, conclusion);
    } else if (reference.name !== '') {
      const at = conclusion.placeOf(reference, 'name');
      conclusion.problems.addUnknown('AEP_MODEL_NAME_UNKNOWN', at, 'there is no bus', { wrong: reference.name, known });
    }
  }
}

function concludeChannel(
  draft: Draft<AppChannelModel>,
  owner: { reference: AppBusModel; bus: BusModel },
  conclusion: Conclusion,
): void {
  const channel = owner.bus.channels.find((candidate) => candidate.name === draft.name);
  if (channel === undefined) {
    if (draft.name === null || draft.name === '') return;
    const known = owner.bus.channels.map((candidate) => candidate.name);
    const what = `the bus ${quote(owner.bus.name)} has no channel`;
    conclusion.problems.addUnknown('AEP_MODEL_NAME_UNKNOWN', conclusion.placeOf(draft, 'name'), what, {
      wrong: draft.name,
      known,
    });
    return;
  }
  // M7: the filter beside the channels holds for those that have none of their own.
  const inherited = draft.filter === null ? owner.reference : undefined;
  if (inherited !== undefined) conclusion.fill(draft, 'filter', inherited.filter, [inherited, 'filter']);
  if (draft.filter !== null)
    conclusion.fill(draft, 'filter', concludeFilter(draft.filter, { draft, channel }, conclusion));
}

/** E85, M2: a filter may name only variables of the key; those whose value is fixed must allow that value. */
function concludeFilter(
  text: string,
  where: { draft: Draft<AppChannelModel>; channel: ChannelModel },
  conclusion: Conclusion,
): string | null {
  const at = conclusion.placeOf(where.draft, 'filter');
  const table = where.channel.initialKeyResolution;
  const terms = parseFilter(freezeVariables(text, table));
  if (terms === undefined) {
    const allowed = 'variable=value|value;variable=value';
    conclusion.problems.add('AEP_MODEL_VALUE', at, `expected a filter ${allowed}, got ${quote(text)}`, {
      value: text,
      allowed,
    });
    return text;
  }
  if (where.channel.key === null) {
    conclusion.problems.add('AEP_MODEL_RELATION', at, 'the channel has no key to filter by', { value: text });
    return text;
  }
  const known = keyVariables(where.channel.key);
  for (const [name, values] of terms) {
    if (known.some((variable) => sameVariable(variable, name))) continue;
    const fixedName = Object.keys(table).find((variable) => sameVariable(variable, name));
    if (fixedName === undefined) {
      const what = `the key ${quote(where.channel.key)} has no variable`;
      conclusion.problems.addUnknown('AEP_MODEL_NAME_UNKNOWN', at, what, { wrong: name, known });
    } else if (!values.includes('*') && !values.includes(table[fixedName]!)) {
      const message = `the filter lets nothing through: initialKeyResolution fixes ${quote(name)} to ${quote(table[fixedName]!)}`;
      conclusion.problems.add('AEP_MODEL_RELATION', at, message, { value: text });
    }
    // The fixed value stands in the key already; for the bus there is no such variable any more.
    terms.delete(name);
  }
  return formatFilter(terms);
}

function concludeStorage(app: AppModel, conclusion: Conclusion): void {
  const { clustering, durability } = app.storage;
  if (durability === 'replicated' && clustering === null) {
    const at = conclusion.placeOf(app.storage, 'durability');
    conclusion.problems.add('AEP_MODEL_RELATION', at, 'durability "replicated" needs a clustering part', {
      value: durability,
    });
  }
  if (clustering === null) return;
  const draft: Draft<typeof clustering> = clustering;
  if (draft.groupName === null) conclusion.fill(draft, 'groupName', app.name);
  const given = (['caFile', 'certFile', 'keyFile'] as const).filter((name) => clustering[name] !== null);
  if (given.length === 1 || given.length === 2) {
    const at = conclusion.placeOf(clustering, given[0]);
    conclusion.problems.add('AEP_MODEL_RELATION', at, 'TLS between members needs all of caFile, certFile and keyFile');
  }
  if (clustering.silenceTimeoutMs < 2 * clustering.heartbeatIntervalMs) {
    const message = `silenceTimeout (${clustering.silenceTimeoutMs}ms) must be at least twice heartbeatInterval (${clustering.heartbeatIntervalMs}ms)`;
    conclusion.problems.add('AEP_MODEL_RELATION', conclusion.placeOf(clustering, 'silenceTimeoutMs'), message);
  }
}

function checkRetries({ policies }: AppModel, conclusion: Conclusion): void {
  if (policies.retryDelayMaxMs >= policies.retryDelayMs) return;
  const message = `retryDelayMax (${policies.retryDelayMaxMs}ms) is below retryDelay (${policies.retryDelayMs}ms)`;
  conclusion.problems.add('AEP_MODEL_RELATION', conclusion.placeOf(policies, 'retryDelayMaxMs'), message);
}
