import { type ConfigNode, type Origin, itemNameOf, settingOrigin } from '../config-node.js';
import { type ProblemList, quote } from '../problems.js';
import { type Field, type ObjectShape } from '../shape/field.js';
import { MODEL } from '../shape/root.js';
import { fieldOf } from './normalise.js';

/** One value given from outside: `x.apps.orders.storage.durability` = `os`. */
interface Setting {
  /** Without the `x.`: `apps.orders.storage.durability`. */
  readonly path: string;
  readonly value: string;
  readonly origin: Origin;
}

export interface OutsideValues {
  readonly overrides: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * M1: lays `X_…` of the environment and then overrides `x.…` over the model. Items of lists are addressed by name:
 * `x.buses.<bus>.port`, `x.apps.<app>.policies.retriesMax`. In the environment the path is in capitals with `_` in
 * place of everything else: `X_APPS_ORDERS_POLICIES_RETRIES_MAX` or `…_RETRIESMAX`.
 *
 * @param part `env` first, because variables are looked up there; `rest` after variables are filled in
 */
export function applyOverrides(
  root: ConfigNode,
  outside: OutsideValues,
  part: 'env' | 'rest',
  problems: ProblemList,
): ConfigNode {
  const settings = [...readEnvironment(root, outside, problems), ...readOverrides(outside, problems)];
  let result = root;
  for (const setting of settings) {
    if (setting.path.startsWith('env.') !== (part === 'env')) continue;
    result = setInObject(MODEL, result, setting.path, { setting, path: 'x', problems });
  }
  return result;
}

function readOverrides(outside: OutsideValues, problems: ProblemList): Setting[] {
  const settings: Setting[] = [];
  for (const [name, value] of Object.entries(outside.overrides)) {
    const origin = settingOrigin('override', name);
    if (name.startsWith('x.')) settings.push({ path: name.slice(2), value, origin });
    else
      problems.add(
        'AEP_MODEL_OVERRIDE',
        { origin, path: '' },
        `an override starts with "x.", such as x.apps.<app>.limits.timersMax; got ${quote(name)}`,
      );
  }
  return settings;
}

const ENVIRONMENT_NAME = /^X_(ENV|BUSPROVIDERS|BUS_PROVIDERS|BUSES|APPS|XVMS)_/;

/** Other variables that start with `X_` are somebody else's. */
function readEnvironment(root: ConfigNode, outside: OutsideValues, problems: ProblemList): Setting[] {
  const names = Object.keys(outside.environment).filter((name) => ENVIRONMENT_NAME.test(name));
  if (names.length === 0) return [];
  const pathsBySqueezed = new Map<string, string[]>();
  for (const path of settablePaths(MODEL, root, '')) {
    const squeezed = squeeze(path);
    pathsBySqueezed.set(squeezed, [...(pathsBySqueezed.get(squeezed) ?? []), path]);
  }
  const settings: Setting[] = [];
  for (const name of names.toSorted()) {
    const value = outside.environment[name];
    if (value === undefined) continue;
    const origin = settingOrigin('environment', name);
    const paths = pathsBySqueezed.get(squeeze(name.slice(2))) ?? [];
    if (paths.length === 1) settings.push({ path: paths[0]!, value, origin });
    else if (paths.length > 1)
      problems.add(
        'AEP_MODEL_OVERRIDE',
        { origin, path: '' },
        `means several values: ${paths.join(', ')}; use an override instead`,
      );
    else if (name.startsWith('X_ENV_'))
      settings.push({ path: `env.${name.slice(6).toLowerCase().replaceAll('_', '.')}`, value, origin });
    else {
      const known = [...pathsBySqueezed.values()].map((candidates) => environmentName(candidates[0]!));
      problems.addUnknown('AEP_MODEL_OVERRIDE', { origin, path: '' }, 'no value of the model is called', {
        wrong: name,
        known,
      });
    }
  }
  return settings;
}

function squeeze(path: string): string {
  return path.replaceAll(/[^A-Za-z0-9]/g, '').toUpperCase();
}

function environmentName(path: string): string {
  const words = path.replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2');
  return `X_${words.replaceAll(/[^A-Za-z0-9]/g, '_').toUpperCase()}`;
}

/** Paths of all values that the items of this model have, written or not. */
function settablePaths(shape: ObjectShape, node: ConfigNode | undefined, prefix: string): string[] {
  return Object.entries(shape.fields).flatMap(([name, field]) => {
    const child = node?.children.find((candidate) => candidate.name === name);
    const path = `${prefix}${name}`;
    switch (field.kind) {
      case 'scalar':
        return field.consumed || name === 'name' ? [] : [path];
      case 'object':
        return settablePaths(field.shape, child, `${path}.`);
      case 'list':
        return (child?.children ?? []).flatMap((item) =>
          settablePaths(field.shape, item, `${path}.${itemNameOf(item) ?? ''}.`),
        );
      case 'tree':
      case 'map':
        return child === undefined ? [] : leafPaths(child, `${path}.`);
    }
  });
}

function leafPaths(node: ConfigNode, prefix: string): string[] {
  return node.children.flatMap((child) =>
    child.children.length > 0 ? leafPaths(child, `${prefix}${child.name}.`) : [`${prefix}${child.name}`],
  );
}

interface Context {
  readonly setting: Setting;
  /** As far as the path has been followed, for messages. */
  readonly path: string;
  readonly problems: ProblemList;
}

/** The node with the value put in at `rest`; the same node when the path leads nowhere, which is reported. */
function setInObject(shape: ObjectShape, node: ConfigNode, rest: string, context: Context): ConfigNode {
  const dot = rest.indexOf('.');
  const name = dot === -1 ? rest : rest.slice(0, dot);
  const below = dot === -1 ? '' : rest.slice(dot + 1);
  const field = fieldOf(shape, name);
  const isSettable =
    field !== undefined &&
    !(field.kind === 'scalar' && (field.consumed || name === 'name')) &&
    !(field.kind === 'list' && field.consumed);
  if (!isSettable) {
    const known = Object.keys(shape.fields).filter(
      (candidate) => candidate !== 'name' && candidate !== 'template' && candidate !== 'profiles',
    );
    addUnknown(context, name, known);
    return node;
  }
  const child = node.children.find((candidate) => candidate.name === name) ?? emptyNode(name, context.setting.origin);
  const changed = setInField(field, child, below, { ...context, path: `${context.path}.${name}` });
  return changed === child ? node : withChild(node, changed);
}

function setInField(field: Field, node: ConfigNode, rest: string, context: Context): ConfigNode {
  if (field.kind === 'scalar') return setScalar(node, rest, context);
  if (rest === '') {
    addProblem(context, 'is not a single value; name one below it');
    return node;
  }
  switch (field.kind) {
    case 'object':
      return setInObject(field.shape, node, rest, context);
    case 'list':
      return setInItem(field.shape, node, rest, context);
    case 'tree':
    case 'map':
      return setInFree(node, rest, context);
  }
}

function setScalar(node: ConfigNode, rest: string, context: Context): ConfigNode {
  if (rest === '') {
    return { name: node.name, text: context.setting.value, children: [], origin: context.setting.origin };
  }
  addProblem(context, `is a single value; there is no ${quote(rest)} below it`);
  return node;
}

/** Names of items may hold dots, so the longest name that fits is taken. */
function setInItem(shape: ObjectShape, node: ConfigNode, rest: string, context: Context): ConfigNode {
  const names = node.children.map(itemNameOf).filter((name) => name !== undefined);
  const fitting = names.filter((name) => rest === name || rest.startsWith(`${name}.`));
  const name = fitting.toSorted((a, b) => b.length - a.length)[0];
  if (name === undefined) {
    addUnknown(context, rest.split('.')[0]!, names);
    return node;
  }
  const item = node.children.find((candidate) => itemNameOf(candidate) === name)!;
  const below = rest.slice(name.length + 1);
  const itemContext = { ...context, path: `${context.path}.${name}` };
  if (below === '') {
    addProblem(itemContext, 'is not a single value; name one below it');
    return node;
  }
  const changed = setInObject(shape, item, below, itemContext);
  const children = node.children.map((candidate) => (candidate === item ? changed : candidate));
  return changed === item ? node : { ...node, children };
}

/** An existing leaf may be spelled nested or with dots; a new one is added with dots. */
function setInFree(node: ConfigNode, rest: string, context: Context): ConfigNode {
  const { value, origin } = context.setting;
  const child = node.children.find((candidate) => rest === candidate.name || rest.startsWith(`${candidate.name}.`));
  if (child === undefined || (rest === child.name && child.children.length === 0)) {
    return withChild(node, { name: rest, text: value, children: [], origin });
  }
  if (rest === child.name) {
    addProblem({ ...context, path: `${context.path}.${rest}` }, 'is not a single value; name one below it');
    return node;
  }
  return withChild(
    node,
    setInFree(child, rest.slice(child.name.length + 1), { ...context, path: `${context.path}.${child.name}` }),
  );
}

function withChild(node: ConfigNode, child: ConfigNode): ConfigNode {
  const isThere = node.children.some((candidate) => candidate.name === child.name);
  const children = isThere
    ? node.children.map((candidate) => (candidate.name === child.name ? child : candidate))
    : [...node.children, child];
  return { ...node, children };
}

function emptyNode(name: string, origin: Origin): ConfigNode {
  return { name, text: undefined, children: [], origin };
}

function addProblem(context: Context, message: string): void {
  const { origin, value } = context.setting;
  context.problems.add('AEP_MODEL_OVERRIDE', { origin, path: context.path }, message, { value });
}

function addUnknown(context: Context, wrong: string, known: readonly string[]): void {
  const at = { origin: context.setting.origin, path: context.path };
  context.problems.addUnknown('AEP_MODEL_OVERRIDE', at, 'there is no', { wrong, known });
}
