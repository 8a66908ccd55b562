import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PackageUnderTest, readPackages, readSources, type SourceFile, workspaceFolders } from './repository.js';

/** ARCHITECTURE.md, "Packages": a package imports only packages of lower layers. */
const LAYERS: Readonly<Record<string, number>> = {
  kernel: 0,
  messages: 1,
  model: 1,
  store: 1,
  net: 1,
  brokers: 1,
  'store-lmdb': 2,
  state: 2,
  bus: 2,
  codegen: 2,
  'bus-direct': 3,
  'bus-nats': 3,
  'bus-activemq': 3,
  cluster: 3,
  engine: 4,
  testkit: 5,
  host: 6,
  cli: 7,
};

/** Their logic takes time, chance, disk and network by constructor (STYLE rule 8). */
const PURE_PACKAGES = ['kernel', 'messages', 'model', 'store', 'state', 'bus', 'engine', 'cluster'];

/** The concrete adapters of those ports. */
const ADAPTERS = [
  /^packages\/kernel\/src\/clock\.ts$/,
  /^packages\/bus\/src\/executor\//,
  /^packages\/cluster\/src\/arbiter\/(?:embedded-environment|embedded-presence|etcd-http|open-arbiter)\.ts$/,
];

const LINES_MAX = 400;
/** Files that may be longer, each with its reason. */
const LONGER_FILES: Readonly<Record<string, string>> = {};

const packages = readPackages();
const sources = packages.flatMap((one) => one.sources);
const everything = [
  ...sources,
  ...packages.flatMap((one) => one.tests),
  ...readSources('tests'),
  ...workspaceFolders('examples').flatMap((folder) => readSources(folder)),
  ...readSources('benchmarks'),
];

test('every package has a layer', () => {
  const unknown = packages.filter((one) => !(one.name in LAYERS)).map((one) => one.name);
  expectNone(unknown, 'give the package a layer in ARCHITECTURE.md and in LAYERS of tests/layers.test.ts');
});

test('a package depends only on packages of lower layers', () => {
  const wrong = packages.flatMap((one) =>
    siblings(one.dependencies)
      .filter((name) => !isBelow(name, one))
      .map((name) => `packages/${one.name}/package.json depends on @aep/${name}`),
  );
  expectNone(wrong, 'move the code down, or take what is needed by an interface of a lower layer');
});

test('a source file imports only packages of lower layers, and only declared ones', () => {
  const wrong = packages.flatMap((one) =>
    importsOf(one.sources, /^@aep\/([^/]+)/)
      .filter(({ name }) => name !== one.name && (!isBelow(name, one) || !one.dependencies.includes(`@aep/${name}`)))
      .map(({ file, specifier }) => `${file.path} imports ${specifier}`),
  );
  expectNone(wrong, 'import only from lower layers, and declare the package under dependencies');
});

test("nobody imports another package's src, dist or test folder", () => {
  const wrong = importsOf(everything, /^(@aep\/[^/]+\/(?:src|dist|test|build)\b|(?:\.\.\/)+packages\/)/);
  expectNone(
    wrong.map(({ file, specifier }) => `${file.path} imports ${specifier}`),
    "import from the package's entry points (., ./internal, ./contract)",
  );
});

test('a relative import stays inside its own package', () => {
  const wrong = sources.flatMap((file) =>
    file.imports
      .filter((specifier) => leavesSource(file.path, specifier))
      .map((specifier) => `${file.path} imports ${specifier}`),
  );
  expectNone(wrong, 'import the sibling package by its name');
});

test('internal entry points are for sibling packages only', () => {
  const outside = workspaceFolders('examples').flatMap((folder) => readSources(folder));
  const wrong = importsOf(outside, /^(@aep\/[^/]+\/internal)$/);
  expectNone(
    wrong.map(({ file, specifier }) => `${file.path} imports ${specifier}`),
    'an example uses what a user may use; export what is missing from index.ts',
  );
});

test(`a source file has at most ${LINES_MAX} lines`, () => {
  const tooLong = sources
    .map((file) => ({ file, lines: file.text.split('\n').length - 1 }))
    .filter(({ file, lines }) => lines > LINES_MAX && !(file.path in LONGER_FILES))
    .map(({ file, lines }) => `${file.path} has ${lines} lines`);
  expectNone(tooLong, 'split it by concept, or give the reason for its length in LONGER_FILES of tests/layers.test.ts');
});

test('the list of longer files names no file that is short or gone', () => {
  const lengths = new Map(sources.map((file) => [file.path, file.text.split('\n').length - 1]));
  const stale = Object.keys(LONGER_FILES).filter((path) => (lengths.get(path) ?? 0) <= LINES_MAX);
  expectNone(stale, 'remove the entry from LONGER_FILES');
});

test('there are no default exports and no star exports', () => {
  expectNone(linesMatching(everything, /^\s*export\s+(?:default\b|\*(?!\s*as\b))/), 'export by name (STYLE rule 18)');
});

test('no file or folder is called util, common, helper or misc', () => {
  const forbidden = /(?:^|[/.-])(?:utils?|commons?|helpers?|misc)(?:[/.-]|$)/;
  const wrong = everything.map((file) => file.path).filter((path) => forbidden.test(path));
  expectNone(wrong, 'name it after the concept that it holds');
});

test('time, chance, disk and network come through interfaces', () => {
  const pure = packages.filter((one) => PURE_PACKAGES.includes(one.name)).flatMap((one) => one.sources);
  const files = pure.filter((file) => !ADAPTERS.some((adapter) => adapter.test(file.path)));
  const calls = /\b(?:Date\.now|Math\.random|performance\.now|setTimeout|setInterval|setImmediate)\b|\bnew Date\(\)/;
  const modules = importsOf(files, /^(node:(?:fs|net|http|https|dgram|timers|child_process)(?:\/.*)?)$/);
  expectNone(
    [...linesMatching(files, calls), ...modules.map(({ file, specifier }) => `${file.path} imports ${specifier}`)],
    'take a Clock, Random, Store or Link by constructor (STYLE rule 8)',
  );
});

test('every package has a README', () => {
  const missing = packages.filter((one) => one.readme === undefined).map((one) => `packages/${one.name}/README.md`);
  expectNone(missing, 'write it: users first, then implementors, then error codes');
});

test('no test is skipped or left to do, and none runs alone', () => {
  const tests = everything.filter((file) => file.path.endsWith('.test.ts'));
  const marks = /\b(?:test|it|describe|suite)\.(?:skip|todo|only)\b|\b(?:skip|todo|only):\s*true/;
  expectNone(linesMatching(tests, marks), 'make it pass or remove it');
});

function siblings(dependencies: readonly string[]): string[] {
  return dependencies.filter((name) => name.startsWith('@aep/')).map((name) => name.slice('@aep/'.length));
}

function isBelow(name: string, one: PackageUnderTest): boolean {
  return (LAYERS[name] ?? Number.POSITIVE_INFINITY) < (LAYERS[one.name] ?? -1);
}

interface Import {
  readonly file: SourceFile;
  readonly specifier: string;
  /** What the pattern's group caught. */
  readonly name: string;
}

function importsOf(files: readonly SourceFile[], pattern: RegExp): Import[] {
  return files.flatMap((file) =>
    file.imports.flatMap((specifier) => {
      const match = pattern.exec(specifier);
      return match === null ? [] : [{ file, specifier, name: match[1] ?? '' }];
    }),
  );
}

/** packages/x/src/a/b.ts may go up as far as src. */
function leavesSource(path: string, specifier: string): boolean {
  const ups = specifier.match(/^(?:\.\.\/)+/);
  return ups !== null && ups[0].length / 3 > path.split('/').length - 4;
}

function linesMatching(files: readonly SourceFile[], pattern: RegExp): string[] {
  return files.flatMap((file) =>
    file.code
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${file.path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

function expectNone(found: readonly string[], whatToDo: string): void {
  assert.equal(found.length, 0, `${found.join('\n')}\n=> ${whatToDo}`);
}
