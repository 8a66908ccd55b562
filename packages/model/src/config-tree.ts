import { REDACTED, isSecret } from './secrets.js';

/** M3: the free tree `env` of a model. Immutable. */
export class ConfigTree {
  /** Values by dotted path, in the order of the model. Has no prototype. */
  readonly values: Readonly<Record<string, string>>;

  constructor(values: Readonly<Record<string, string>> = {}) {
    this.values = Object.freeze(Object.assign(Object.create(null) as Record<string, string>, values));
    Object.freeze(this);
  }

  /** The value at a dotted path, such as `db.host`; undefined when there is none. */
  get(path: string): string | undefined {
    return this.values[path];
  }

  /** For printing: values by path, with secrets replaced. */
  toJSON(): Record<string, string> {
    const shown = Object.entries(this.values).map(
      ([path, value]) => [path, isSecret(path, value) ? REDACTED : value] as const,
    );
    return Object.fromEntries(shown);
  }
}
