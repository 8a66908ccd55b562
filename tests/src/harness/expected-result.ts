import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './paths.js';

/** What the example must say about a CSV, from the fold that its own tests use and that shares no code with the apps. */
export async function expectedResult(csv: Buffer): Promise<unknown> {
  const file = join(ROOT, 'examples', 'orders', 'build', 'test', 'independent-fold.js');
  const module = (await import(pathToFileURL(file).href)) as { foldCsv(bytes: Buffer): unknown };
  return module.foldCsv(csv);
}
