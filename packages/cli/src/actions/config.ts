import { configOrigins, describeOrigin, formatConfig, redactSecrets } from '@aep/model';
import { ExitCode } from '../exit-code.js';
import { readModel } from '../model-file.js';
import type { ModelOptions } from '../options/model-options.js';
import type { Session } from '../session.js';

interface PrintOptions extends ModelOptions {
  readonly origin?: boolean;
}

export function printConfig({ io, output }: Session, [file]: readonly string[], options: PrintOptions): ExitCode {
  const model = readModel(io, file!, options);
  if (!output.json) {
    output.text(formatConfig(model, { origin: options.origin === true }));
  } else if (options.origin === true) {
    const secret = '(secret)';
    const values = configOrigins(model).map((value) => ({
      setting: value.setting,
      path: value.path,
      value: value.secret && value.written !== null ? secret : value.written,
      origin: describeOrigin(value.origin),
    }));
    output.document(values);
  } else {
    // Through text, because the replacer of the model's own package hides its secrets.
    output.document(JSON.parse(JSON.stringify(model, redactSecrets(model))));
  }
  return ExitCode.ok;
}
