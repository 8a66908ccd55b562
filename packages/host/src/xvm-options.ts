import type { BusProvider } from '@aep/bus';
import type { Clock, Log, Random } from '@aep/kernel';
import type { Model, ModelSource } from '@aep/model';
import type { DependencyContainer } from 'tsyringe';
import type { AppDescriptor } from './app-descriptor.js';

/** A model on disk; profiles, environment and overrides as M1 says. */
export interface ModelFile {
  readonly file: string;
}

/** Where `mainClass`, factories and bus providers of a model come from. */
export type ResolveExport = (reference: string) => unknown;

/** What a person or the CLI writes to run the apps of a model in this process. */
export interface XvmOptions {
  /** A concluded model, a model as text, or the file it is in. */
  readonly model: Model | ModelSource | ModelFile;
  /** Name of the xvm to be. @default the model's only xvm; all apps when the model has none */
  readonly xvm?: string;
  /** Hosts only these apps of the model. @default those of the xvm */
  readonly apps?: readonly string[];
  /** Directory of stores whose app gives no path, and base of relative paths. @default `data` below modelDir */
  readonly dataDir?: string;
  /** Base of module references such as `./dist/orders.js#OrderProcessor`. @default the directory of the model file, else the working directory */
  readonly modelDir?: string;
  /** Profiles to merge; only for a model that is still text (M1). */
  readonly profiles?: readonly string[];
  /** Overrides by name, `x.apps.orders.…`; only for a model that is still text. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** @default process.env */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /**
   * Asked first for every module reference: a class, what `defineApp` answered, a factory, a provider. Undefined (or a
   * promise of it): the module is imported. For tests, bundles, and TypeScript without a build.
   */
  readonly resolveExport?: ResolveExport;
  /** Registers services for constructor injection; called once per app, before its main class is constructed. */
  readonly registerServices?: (services: DependencyContainer, app: AppDescriptor) => void;
  /** Providers beside the built-in ones and those of the model. */
  readonly busProviders?: readonly BusProvider[];
  /** @default a log as the xvm's `logging` says, on the standard error stream */
  readonly log?: Log;
  readonly clock?: Clock;
  readonly random?: Random;
}
