import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import type { SourceFile } from '@aep/codegen';
import type { CliFiles, CliIo } from './cli-io.js';
import { usageError } from './usage-error.js';

/** A schema with more files than this is a mistake, such as the root of the disk. */
const FILES_MAX = 10_000;

/**
 * Reads .proto files, those in directories, and what they import. Imports are looked for below the roots; without roots,
 * beside the file that was given, or below the directory that was given.
 *
 * @throws AEP_CLI_FILE, AEP_CLI_USAGE
 */
export function readProtoFiles(
  { files, cwd }: CliIo,
  given: readonly string[],
  roots: readonly string[],
): SourceFile[] {
  const found = new Map<string, SourceFile>();
  const namedBy = new Map<string, string>();
  const places = [...roots];
  const waiting: { path: string; file: string }[] = [];
  for (const one of given) {
    const isDirectory = files.isDirectory(one);
    if (roots.length === 0) places.push(isDirectory ? one : dirname(one));
    const protos = isDirectory ? protosBelow(files, one) : [one];
    for (const file of protos) {
      const path = importPath(cwd, file, isDirectory && roots.length === 0 ? [one] : roots);
      const other = namedBy.get(path);
      if (other !== undefined && other !== file) {
        throw usageError(`${other} and ${file} would both be imported as "${path}": name their directory with --root`);
      }
      namedBy.set(path, file);
      waiting.push({ path, file });
    }
  }
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (found.has(next.path)) continue;
    if (found.size >= FILES_MAX) throw usageError(`more than ${FILES_MAX} .proto files: name a smaller directory`);
    const text = files.readText(next.file);
    found.set(next.path, { path: next.path, text });
    for (const path of importsOf(text)) {
      const place = places.find((directory) => files.exists(join(directory, path)));
      // One that is not there is reported by the generator, with line and column; its own and the well-known ones it knows.
      if (place !== undefined) waiting.push({ path, file: join(place, path) });
    }
  }
  return [...found.values()];
}

function protosBelow(files: CliFiles, directory: string): string[] {
  const protos = files.filesBelow(directory).filter((file) => file.endsWith('.proto'));
  if (protos.length === 0) throw usageError(`there is no .proto file below ${directory}`);
  return protos.map((file) => join(directory, file));
}

/** The name by which other files import it: below the first root that holds it, else its bare name. */
function importPath(cwd: string, file: string, roots: readonly string[]): string {
  for (const root of roots) {
    const path = relative(resolve(cwd, root), resolve(cwd, file));
    if (path !== '' && !path.startsWith('..') && !path.startsWith(sep)) return path.split(sep).join('/');
  }
  return basename(file);
}

function importsOf(text: string): string[] {
  const withoutComments = text.replaceAll(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, ' ');
  const imports = withoutComments.matchAll(/\bimport\s+(?:public\s+|weak\s+)?"([^"]+)"/g);
  const built = /^(?:aep\/options\.proto$|google\/protobuf\/)/;
  return [...imports].map((match) => match[1]!).filter((path) => !built.test(path) && !path.includes('..'));
}
