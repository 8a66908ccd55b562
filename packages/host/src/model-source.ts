import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import process from 'node:process';
import { AepError, didYouMean, toError } from '@aep/kernel';
import { type AppModel, loadModel, type LoadModelOptions, type Model, type XvmModel } from '@aep/model';
import type { XvmOptions } from './xvm-options.js';

/** Reads and loads a model file. @throws AEP_MODEL_FILE (reject), ModelError AEP_MODEL_INVALID */
export function loadModelFile(file: string, options: LoadModelOptions = {}): Model {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new AepError(
      'AEP_MODEL_FILE',
      'reject',
      `the model ${resolve(file)} cannot be read: ${toError(thrown).message}`,
      { file },
      thrown,
    );
  }
  return loadModel({ text, file }, { environment: process.env, ...options });
}

type ModelChoice = Pick<XvmOptions, 'model' | 'modelDir' | 'profiles' | 'overrides' | 'environment'>;

/** The concluded model, and the directory from which its modules are taken. */
export function concludeModel(options: ModelChoice): { readonly model: Model; readonly modelDir: string } {
  const { model, profiles = [], overrides = {}, environment = process.env } = options;
  const isConcluded = 'activeProfiles' in model;
  if (isConcluded) return { model, modelDir: resolve(options.modelDir ?? '.') };
  const modelDir = resolve(options.modelDir ?? dirname(model.file));
  const loading = { profiles, overrides, environment };
  return { model: 'text' in model ? loadModel(model, loading) : loadModelFile(model.file, loading), modelDir };
}

/** The xvm of the model that this process is; undefined when the model has none. @throws AEP_XVM_UNKNOWN, AEP_XVM_AMBIGUOUS (reject) */
export function chooseXvm(model: Model, name: string | undefined): XvmModel | undefined {
  const names = model.xvms.map((xvm) => xvm.name);
  if (name !== undefined) {
    const found = model.xvms.find((xvm) => xvm.name === name);
    if (found !== undefined) return found;
    throw new AepError(
      'AEP_XVM_UNKNOWN',
      'reject',
      `the model has no xvm "${name}"${didYouMean(name, names)}; it has ${names.join(', ') || 'none'}`,
      { xvm: name },
    );
  }
  if (names.length < 2) return model.xvms[0];
  throw new AepError(
    'AEP_XVM_AMBIGUOUS',
    'reject',
    `the model has several xvms (${names.join(', ')}): say which one this process is`,
    { xvms: names.length },
  );
}

export interface HostedApp {
  readonly app: AppModel;
  readonly autoStart: boolean;
}

/** The apps that this process hosts. @throws AEP_APP_UNKNOWN, AEP_NOTHING_TO_HOST (reject) */
export function chooseApps(model: Model, xvm: XvmModel | undefined, only: readonly string[] | undefined): HostedApp[] {
  const offered = xvm === undefined ? model.apps.map(({ name }) => ({ name, autoStart: true })) : xvm.apps;
  const where = xvm === undefined ? 'the model' : `xvm "${xvm.name}"`;
  const known = offered.map(({ name }) => name);
  for (const name of only ?? []) {
    if (known.includes(name)) continue;
    throw new AepError(
      'AEP_APP_UNKNOWN',
      'reject',
      `${where} has no app "${name}"${didYouMean(name, known)}; it has ${known.join(', ') || 'none'}`,
      { app: name },
    );
  }
  const chosen = offered.filter(({ name }) => only === undefined || only.includes(name));
  if (chosen.length === 0)
    throw new AepError('AEP_NOTHING_TO_HOST', 'reject', `${where} has no app to run: add one to <apps>`, {});
  return chosen.map(({ name, autoStart }) => ({ app: model.apps.find((app) => app.name === name)!, autoStart }));
}
