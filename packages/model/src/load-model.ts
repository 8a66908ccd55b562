import { type XmlDocument } from 'libxml2-wasm';
import { concludeApps } from './conclude/apps.js';
import { concludeBuses } from './conclude/buses.js';
import { Conclusion } from './conclude/conclusion.js';
import { concludeXvms } from './conclude/xvms.js';
import { type ConfigNode, fileOrigin } from './config-node.js';
import { keepConfigValues } from './config-values.js';
import { type Model, type ModelInput } from './gen/model.js';
import { ProblemList, quote } from './problems.js';
import { addJsonSchemaProblems, addXsdProblems } from './published-schemas.js';
import { MODEL } from './shape/root.js';
import { SOURCE_LENGTH_MAX } from './source/limits.js';
import { readJson } from './source/json.js';
import { readObject } from './source/plain-object.js';
import { readXml } from './source/xml.js';
import { Check } from './stages/check.js';
import { normalise } from './stages/normalise.js';
import { applyOverrides } from './stages/overrides.js';
import { mergeProfiles } from './stages/profiles.js';
import { substituteVariables } from './stages/substitution.js';
import { applyTemplates } from './stages/templates.js';

/** A model as text. The package reads no files; `file` is what messages call it. */
export interface ModelSource {
  /** At most 4 Mi characters. */
  readonly text: string;
  readonly file: string;
  /** @default by the end of `file`, else by the first character: `<` is XML */
  readonly format?: 'xml' | 'json';
}

export interface LoadModelOptions {
  /** Profiles to merge, in this order. @default none */
  readonly profiles?: readonly string[];
  /** Variables for `${name}` and `X_…` settings; the host passes `process.env`. @default none */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Values by name, `x.apps.orders.limits.timersMax`; stronger than everything else. @default none */
  readonly overrides?: Readonly<Record<string, string>>;
}

/**
 * Loads a deployment model (M1–M10): profiles merged, templates applied, variables filled in, overrides applied,
 * checked and concluded. The result has no gaps and is deeply frozen. Deterministic; reads neither files nor clocks.
 *
 * @throws ModelError AEP_MODEL_INVALID (reject); its `problems` has everything that is wrong, each with its place
 * @example loadModel({ text, file: 'model.xml' }, { environment: process.env }).apps[0]?.storage.durability
 */
export function loadModel(source: ModelSource, options: LoadModelOptions = {}): Model {
  const problems = new ProblemList(source.file);
  const root = readSource(source, problems);
  return concludeModel(root, options, problems);
}

/**
 * Concludes a model written in code (M10): the same rules, the same result. Places of problems are paths without lines.
 *
 * @throws ModelError AEP_MODEL_INVALID (reject), as loadModel
 */
export function defineModel(input: ModelInput, options: LoadModelOptions = {}): Model {
  const problems = new ProblemList('defineModel');
  const node = readObject(input, 'defineModel', problems);
  const root = node === undefined ? undefined : checkWritten(node, problems);
  return concludeModel(root, options, problems);
}

/** The only place where the order of M1 stands. */
function concludeModel(source: ConfigNode | undefined, options: LoadModelOptions, problems: ProblemList): Model {
  // A tree that could not be read is reported as such; there is nothing else to look at.
  if (source === undefined) problems.throw();
  const { profiles = [], environment = {}, overrides = {} } = options;
  const outside = { environment, overrides };
  let root = mergeProfiles(source, profiles, problems);
  root = applyTemplates(root, problems);
  root = applyOverrides(root, outside, 'env', problems);
  root = substituteVariables(root, environment, problems);
  root = applyOverrides(root, outside, 'rest', problems);
  new Check(problems, 'final').object(MODEL, root, 'model');

  const conclusion = new Conclusion(problems);
  const draft = conclusion.object(MODEL, root, { path: 'model', setting: 'x' });
  draft['activeProfiles'] = [...profiles];
  const model = draft as unknown as Model;
  concludeBuses(model.buses, conclusion);
  concludeApps(model.apps, model.buses, conclusion);
  concludeXvms(model.xvms, model.apps, conclusion);
  problems.throwIfAny();
  keepConfigValues(model, conclusion.values());
  return deepFreeze(model);
}

function readSource(source: ModelSource, problems: ProblemList): ConfigNode | undefined {
  const { text, file } = source;
  if (text.length > SOURCE_LENGTH_MAX) {
    const message = `${text.length} characters are more than ${SOURCE_LENGTH_MAX}`;
    problems.add('AEP_MODEL_TOO_LARGE', { origin: fileOrigin(file, 1, 1), path: '' }, message);
    return undefined;
  }
  return formatOf(source) === 'xml' ? readXmlModel(source, problems) : readJsonModel(source, problems);
}

function formatOf(source: ModelSource): 'xml' | 'json' {
  if (source.format !== undefined) return source.format;
  if (/\.xml$/i.test(source.file)) return 'xml';
  if (/\.json$/i.test(source.file)) return 'json';
  return /^\ufeff?\s*</.test(source.text) ? 'xml' : 'json';
}

function readXmlModel(source: ModelSource, problems: ProblemList): ConfigNode | undefined {
  let checked: ConfigNode | undefined;
  readXml(source, problems, (node: ConfigNode, document: XmlDocument) => {
    if (node.name !== 'model') {
      problems.add(
        'AEP_MODEL_FIELD_UNKNOWN',
        { origin: node.origin, path: node.name },
        `the root element is <model>, got ${quote(node.name)}`,
      );
      return;
    }
    checked = checkWritten(node, problems);
    if (problems.isEmpty) addXsdProblems(document, source.file, problems);
  });
  return checked;
}

function readJsonModel(source: ModelSource, problems: ProblemList): ConfigNode | undefined {
  const node = readJson(source.text, source.file, problems);
  if (node === undefined) return undefined;
  const checked = checkWritten(node, problems);
  if (problems.isEmpty) addJsonSchemaProblems(source, problems);
  return checked;
}

/** The tree in its one form, with everything reported that is wrong before profiles and variables come into it. */
function checkWritten(node: ConfigNode, problems: ProblemList): ConfigNode {
  const only = node.children.length === 1 ? node.children[0]! : undefined;
  const content = only?.name === 'model' ? only : node;
  const children = content.children.filter((child) => child.name !== '$schema');
  const root = normalise(MODEL, { ...content, children });
  new Check(problems, 'written').object(MODEL, root, 'model');
  return root;
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
