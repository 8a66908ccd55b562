import { REDACTED, isSecretName } from './secrets.js';

/** M3: the free tree `env` of a model. Immutable. */
export class ConfigTree {
  readonly #values: ReadonlyMap<string, string>;

  constructor(values: Iterable<readonly [path: string, value: string]> = []) {
    this.#values = new Map(values);
    Object.freeze(this);
  }

  /** The value at a dotted path, such as `db.host`; undefined when there is none. */
  get(path: string): string | undefined {
    return this.#values.get(path);
  }

  has(path: string): boolean {
    return this.#values.has(path);
  }

  /** Dotted paths of all values, in the order of the model. */
  paths(): string[] {
    return [...this.#values.keys()];
  }

  entries(): [path: string, value: string][] {
    return [...this.#values.entries()];
  }

  /** For printing: paths and values, with secrets replaced. */
  toJSON(): Record<string, string> {
    const shown = this.entries().map(([path, value]) => [path, isSecretName(path) ? REDACTED : value] as const);
    return Object.fromEntries(shown);
  }
}
