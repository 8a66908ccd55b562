import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout: this file runs as tests/build/repository.js. */
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** A package under packages/, with what the repository's own rules look at. */
export interface PackageUnderTest {
  /** Folder name, which is also the name behind `@aep/`. */
  readonly name: string;
  readonly dependencies: readonly string[];
  readonly readme: string | undefined;
  readonly sources: readonly SourceFile[];
  readonly tests: readonly SourceFile[];
}

export interface SourceFile {
  /** Path from the root of the checkout, with `/`. */
  readonly path: string;
  readonly text: string;
  /** The text without comments; line numbers stay true. */
  readonly uncommented: string;
  /** The same with quoted strings emptied: what is left is code. */
  readonly code: string;
  /** Module specifiers of all imports and re-exports. */
  readonly imports: readonly string[];
}

export function readPackages(): PackageUnderTest[] {
  const names = readdirSync(join(root, 'packages')).toSorted();
  return names
    .filter((name) => existsSync(join(root, 'packages', name, 'package.json')))
    .map((name) => readPackage(name));
}

/** All TypeScript files below a folder of the checkout; none when it does not exist. Built and generated ones are left out. */
export function readSources(folder: string): SourceFile[] {
  const absolute = join(root, folder);
  if (!existsSync(absolute)) return [];
  const paths = readdirSync(absolute, { recursive: true }).map(String).toSorted();
  return paths
    .map((path) => `${folder}/${path.split(sep).join('/')}`)
    .filter((path) => path.endsWith('.ts') && !/\/(?:gen|generated|dist|build|node_modules)\//.test(path))
    .map((path) => readSource(path));
}

/** Folders of one group (`examples`) that are workspace packages, as paths from the root. */
export function workspaceFolders(group: string): string[] {
  const absolute = join(root, group);
  if (!existsSync(absolute)) return [];
  const folders = readdirSync(absolute).filter((name) => existsSync(join(absolute, name, 'package.json')));
  return folders.toSorted().map((name) => relative(root, join(absolute, name)).split(sep).join('/'));
}

function readPackage(name: string): PackageUnderTest {
  const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')) as Manifest;
  const readme = join(root, 'packages', name, 'README.md');
  return {
    name,
    dependencies: Object.keys(manifest.dependencies ?? {}),
    readme: existsSync(readme) ? readFileSync(readme, 'utf8') : undefined,
    sources: readSources(`packages/${name}/src`),
    tests: readSources(`packages/${name}/test`),
  };
}

interface Manifest {
  readonly dependencies?: Record<string, string>;
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), 'utf8');
  const uncommented = text.replace(COMMENT, (comment, quoted: string | undefined) => quoted ?? blankLines(comment));
  const imports = [...uncommented.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? '');
  const code = uncommented.replace(STRING, (string) => `''${blankLines(string)}`);
  return { path, text, uncommented, code, imports };
}

/** Line numbers of what follows must stay true. */
function blankLines(text: string): string {
  return text.replace(/[^\n]/g, '');
}

// A string is matched first, so that `//` inside one starts no comment.
const COMMENT = /('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
const STRING = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g;
const IMPORT = /(?:\bfrom|^import)\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;
