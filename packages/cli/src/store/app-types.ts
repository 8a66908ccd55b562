import { AppBuilder } from '@aep/engine';
import { appOptionsFor } from '@aep/engine/internal';
import { AepError, toError } from '@aep/kernel';
import { type MessageFactory, TypeRegistry } from '@aep/messages';
import { type AppModel, parseModuleReference } from '@aep/model';
import type { StateRootType } from '@aep/state';
import type { CliIo } from '../cli-io.js';
import { unknownName } from '../usage-error.js';

/** What is known of the bytes in a store. */
export interface AppTypes {
  readonly messages: TypeRegistry;
  readonly root: StateRootType | undefined;
  /** False when nothing was named: everything is shown as bytes then. */
  readonly isKnown: boolean;
}

export const noTypes: AppTypes = { messages: new TypeRegistry([]), root: undefined, isKnown: false };

type Module = Readonly<Record<string, unknown>>;

/** The types of an app of a model, read from its main class without constructing it. @throws AEP_CLI_MODULE, AEP_TYPE_ID_CLASH */
export async function typesOfApp(io: CliIo, app: AppModel, modelDir: string): Promise<AppTypes> {
  const { value } = await resolveExport(io, app.mainClass, modelDir);
  const { state: root, factories: own } = describeApp(value);
  const factories = [...own];
  for (const { name } of app.messaging.factories) {
    const factory = (await resolveExport(io, name, modelDir)).value;
    if (!isFactory(factory)) throw moduleError(name, 'it is no generated message factory');
    factories.push(factory);
  }
  return { messages: new TypeRegistry(factories), root, isKnown: true };
}

/** All factories and the state root that modules of generated code export. @throws AEP_CLI_MODULE */
export async function typesOfModules(io: CliIo, references: readonly string[]): Promise<AppTypes> {
  const factories = new Set<MessageFactory>();
  let root: StateRootType | undefined;
  for (const reference of references) {
    const { module, exportName } = reference.includes('#')
      ? parseModuleReference(reference)
      : { module: reference, exportName: undefined };
    const exports = await load(io, module, io.cwd);
    for (const value of Object.values(exports)) if (isFactory(value)) factories.add(value);
    root = rootOf(exports, reference, exportName) ?? root;
  }
  return { messages: new TypeRegistry(factories), root, isKnown: true };
}

function rootOf(exports: Module, reference: string, name: string | undefined): StateRootType | undefined {
  const roots = Object.entries(exports).filter(([, value]) => isRoot(value));
  if (name === undefined) {
    if (roots.length < 2) return (roots[0]?.[1] as { $type: StateRootType } | undefined)?.$type;
    const names = roots.map(([each]) => `#${each}`).join(', ');
    throw moduleError(reference, `it has several state roots: add one of ${names}`);
  }
  const found = exports[name];
  if (isRoot(found)) return found.$type;
  throw unknownName(
    `state root of ${reference}`,
    name,
    roots.map(([each]) => each),
  );
}

function describeApp(value: unknown): { state: StateRootType | undefined; factories: readonly MessageFactory[] } {
  if (value instanceof AppBuilder) {
    const { state, factories } = value.definition;
    return { state: state as StateRootType | undefined, factories };
  }
  const noted =
    typeof value === 'function' ? appOptionsFor(value) : ((value ?? {}) as ReturnType<typeof appOptionsFor>);
  const { state, factories = [] } = noted;
  const type = state !== undefined && '$type' in state ? state.$type : state;
  return { state: type as StateRootType | undefined, factories };
}

async function resolveExport(io: CliIo, reference: string, directory: string): Promise<{ value: unknown }> {
  const { module, exportName } = parseModuleReference(reference);
  const exports = await load(io, module, directory);
  if (Object.hasOwn(exports, exportName)) return { value: exports[exportName] };
  throw unknownName(`export of ${module}`, exportName, Object.keys(exports));
}

async function load(io: CliIo, module: string, directory: string): Promise<Module> {
  try {
    return await io.importModule(module, directory);
  } catch (thrown) {
    throw moduleError(module, toError(thrown).message, thrown);
  }
}

function moduleError(module: string, problem: string, cause?: unknown): AepError {
  return new AepError('AEP_CLI_MODULE', 'reject', `module ${module} cannot be used: ${problem}`, { module }, cause);
}

function isFactory(value: unknown): value is MessageFactory {
  return typeof value === 'object' && value !== null && 'types' in value && 'id' in value && Array.isArray(value.types);
}

function isRoot(value: unknown): value is { readonly $type: StateRootType } {
  return (
    typeof value === 'function' &&
    '$type' in value &&
    typeof value.$type === 'object' &&
    value.$type !== null &&
    'collections' in value.$type
  );
}
