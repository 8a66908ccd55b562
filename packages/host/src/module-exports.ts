import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { AepError, didYouMean } from '@aep/kernel';
import { parseModuleReference } from '@aep/model';
import type { ResolveExport } from './xvm-options.js';

/** What a module reference stands for, and what else its module exports. */
export interface ResolvedExport {
  readonly value: unknown;
  /** Empty when the value came from `resolveExport`. */
  readonly module: Readonly<Record<string, unknown>>;
}

/** Turns `./dist/orders.js#OrderProcessor` into what it names. */
export class ModuleExports {
  constructor(
    private readonly baseDir: string,
    private readonly resolveFirst: ResolveExport = () => undefined,
  ) {}

  /**
   * @param use names the place in the model, for messages: `mainClass of app "orders"`
   * @throws AEP_MODEL_MODULE_REFERENCE, AEP_MODULE_NOT_FOUND, AEP_MODULE_FAILED, AEP_MODULE_EXPORT_UNKNOWN (reject)
   */
  async resolve(reference: string, use: string): Promise<ResolvedExport> {
    const given = await this.resolveFirst(reference);
    if (given !== undefined) return { value: given, module: {} };
    const { module: name, exportName } = parseModuleReference(reference);
    const module = await importModule(this.locate(name, use), reference, use);
    if (Object.hasOwn(module, exportName) && module[exportName] !== undefined)
      return { value: module[exportName], module };
    const known = Object.keys(module);
    throw new AepError(
      'AEP_MODULE_EXPORT_UNKNOWN',
      'reject',
      `${use}: ${name} exports no "${exportName}"${didYouMean(exportName, known)}; it exports ${known.join(', ') || 'nothing'}`,
      { reference },
    );
  }

  private locate(name: string, use: string): string {
    if (name.startsWith('file:')) return this.located(fileURLToPath(name), use);
    if (name.startsWith('.') || isAbsolute(name)) return this.located(resolve(this.baseDir, name), use);
    try {
      return pathToFileURL(createRequire(resolve(this.baseDir, 'model')).resolve(name)).href;
    } catch {
      // A package that only exports for `import` cannot be found that way; from the host's own place it may be.
      return name;
    }
  }

  private located(path: string, use: string): string {
    if (existsSync(path)) return pathToFileURL(path).href;
    throw new AepError(
      'AEP_MODULE_NOT_FOUND',
      'reject',
      `${use}: there is no file ${path}: build the project first, or mend the path (it is taken from ${this.baseDir})`,
      {
        path,
      },
    );
  }
}

async function importModule(url: string, reference: string, use: string): Promise<Record<string, unknown>> {
  try {
    return (await import(url)) as Record<string, unknown>;
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const isMissing = (thrown as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND';
    const code = isMissing ? 'AEP_MODULE_NOT_FOUND' : 'AEP_MODULE_FAILED';
    const what = isMissing ? 'it, or something that it imports, was not found' : 'it failed while it was loaded';
    throw new AepError(code, 'reject', `${use}: ${reference}: ${what}: ${message}`, { reference }, thrown);
  }
}
