import { type AppModel, loadModel, type LoadModelOptions, type Model, type ModelSource } from '@aep/model';
import type { CliIo } from './cli-io.js';
import type { ModelOptions } from './options/model-options.js';
import { unknownName, usageError } from './usage-error.js';

export function modelSource(io: CliIo, file: string): ModelSource {
  return { text: io.files.readText(file), file };
}

/** @throws AEP_CLI_FILE, AEP_CLI_USAGE, ModelError AEP_MODEL_INVALID */
export function readModel(io: CliIo, file: string, options: ModelOptions): Model {
  return loadModel(modelSource(io, file), loadOptions(io, options));
}

export function loadOptions(io: CliIo, options: ModelOptions): Required<LoadModelOptions> {
  return { profiles: options.profile ?? [], environment: io.env, overrides: parseOverrides(options.set ?? []) };
}

/** @throws AEP_CLI_NAME_UNKNOWN, AEP_CLI_USAGE when the model has several apps and none is named */
export function chooseApp(model: Model, name: string | undefined): AppModel {
  const names = model.apps.map((app) => app.name);
  if (name === undefined) {
    if (model.apps.length === 1) return model.apps[0]!;
    throw usageError(`the model has ${names.length} apps (${names.join(', ')}): name one with --app`);
  }
  const app = model.apps.find((candidate) => candidate.name === name);
  if (app === undefined) throw unknownName('app', name, names);
  return app;
}

function parseOverrides(settings: readonly string[]): Record<string, string> {
  const overrides: Record<string, string> = {};
  for (const setting of settings) {
    const at = setting.indexOf('=');
    if (at < 1) throw usageError(`--set takes setting=value, got "${setting}"`);
    overrides[setting.slice(0, at)] = setting.slice(at + 1);
  }
  return overrides;
}
