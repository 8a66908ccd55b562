import { AepError } from '@aep/kernel';

/** M5: where a class or factory is exported: `./dist/order-processor.js#OrderProcessor`. */
export interface ModuleReference {
  /** To be resolved from the directory of the model when it starts with a dot. */
  readonly module: string;
  readonly exportName: string;
}

/**
 * Splits `module#export`.
 *
 * @throws AepError AEP_MODEL_MODULE_REFERENCE (reject) when there is no `#`, or nothing on one side of it
 */
export function parseModuleReference(text: string): ModuleReference {
  const hash = text.lastIndexOf('#');
  if (hash < 1 || hash === text.length - 1) {
    const message = `${JSON.stringify(text)} does not name a module and its export; expected ./path/to/module.js#ExportName`;
    throw new AepError('AEP_MODEL_MODULE_REFERENCE', 'reject', message, { reference: text });
  }
  return Object.freeze({ module: text.slice(0, hash), exportName: text.slice(hash + 1) });
}
