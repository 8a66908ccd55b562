import { type ConfigValue } from './conclude/conclusion.js';
import { describeOrigin } from './config-node.js';
import { type Model } from './gen/model.js';
import { REDACTED } from './secrets.js';

const valuesOfModels = new WeakMap<Model, readonly ConfigValue[]>();

/** Remembers where the values of a model came from, for as long as the model lives. */
export function keepConfigValues(model: Model, values: readonly ConfigValue[]): void {
  valuesOfModels.set(model, Object.freeze([...values]));
}

/** Every value of a loaded model with where it came from (M1), in the order of the model. Values of secrets are in it. */
export function configOrigins(model: Model): readonly ConfigValue[] {
  return valuesOfModels.get(model) ?? [];
}

/**
 * Where one value came from; undefined when there is none of that name.
 *
 * @param name `model.buses.bus[0].port`, or the name of its override: `x.buses.orders.port`
 */
export function configOrigin(model: Model, name: string): ConfigValue | undefined {
  return configOrigins(model).find((value) => value.path === name || value.setting === name);
}

export interface FormatConfigOptions {
  /** Adds where each value came from. @default false */
  readonly origin?: boolean;
}

/** `aep config print`: one line per value, `x.apps.orders.limits.timersMax = 1000000`. Secrets are not shown. */
export function formatConfig(model: Model, options: FormatConfigOptions = {}): string {
  const lines = configOrigins(model).map((value) => {
    const shown = value.secret && value.written !== null ? REDACTED : JSON.stringify(value.written);
    const origin = options.origin === true ? `  # ${describeOrigin(value.origin)}` : '';
    return `${value.setting} = ${shown}${origin}\n`;
  });
  return lines.join('');
}

/** JSON replacer: `JSON.stringify(model, redactSecrets(model))` shows no secret. */
export function redactSecrets(model: Model): (this: unknown, key: string, value: unknown) => unknown {
  const secrets = new Set(
    configOrigins(model)
      .filter((value) => value.secret)
      .map((value) => value.path.slice(value.path.lastIndexOf('.') + 1)),
  );
  return (key, value) => (secrets.has(key) && typeof value === 'string' ? REDACTED : value);
}
