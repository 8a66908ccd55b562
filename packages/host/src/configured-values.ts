import type { AppDefinition } from '@aep/engine';
import { AepError } from '@aep/kernel';
import type { ConfigTree } from '@aep/model';

/**
 * Values of a model are text; a `@Configured` property whose default is a number or a boolean gets one too.
 *
 * The engine assigns the values (E1); this only puts the conversion before the assignment.
 */
export function withConfiguredTypes(definition: AppDefinition): AppDefinition {
  const configured = definition.configured.map((value) => ({
    ...value,
    assign: (given: unknown) => value.assign(convert(value.path, given, value.fallback)),
  }));
  return { ...definition, configured };
}

/** Looks first at the app's own `properties`, then at the model's `env` (M3). */
export function configurationOf(
  properties: Readonly<Record<string, string>>,
  env: ConfigTree,
): (path: string) => string | undefined {
  return (path) => (Object.hasOwn(properties, path) ? properties[path] : env.get(path));
}

function convert(path: string, given: unknown, fallback: unknown): unknown {
  if (typeof given !== 'string' || fallback === undefined || typeof fallback === 'string') return given;
  const text = given.trim();
  if (typeof fallback === 'number' && text !== '' && Number.isFinite(Number(text))) return Number(text);
  if (typeof fallback === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  if (typeof fallback !== 'number' && typeof fallback !== 'boolean') return given;
  // The value is not shown: env may hold secrets.
  throw new AepError(
    'AEP_CONFIGURED_TYPE',
    'reject',
    `@Configured("${path}"): its default is a ${typeof fallback}, and the model's value is not: mend env.${path}`,
    { path },
  );
}
