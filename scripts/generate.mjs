// Generated code from .proto files: writes it, or with --check only compares it with what is committed. Examples
// and benchmarks keep it in src/gen, as do packages for what is in their schemas folder; tests in the gen folder beside it.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { generate } = await import(pathToFileURL(join(root, 'packages', 'codegen', 'dist', 'index.js')).href);
const isCheck = process.argv.includes('--check');
let stale = 0;

for (const { folder, gen } of schemaFolders()) {
  const paths = readdirSync(folder)
    .filter((name) => name.endsWith('.proto'))
    .toSorted();
  const files = paths.map((path) => ({ path, text: readFileSync(join(folder, path), 'utf8') }));
  for (const { path, text } of generate({ files })) put(join(gen, path), text);
}
if (stale > 0) {
  console.error('Generated code is not current: run `npm run generate`.');
  process.exitCode = 1;
}

/** Folders with .proto files: of examples and benchmarks, of packages, and of tests. */
function schemaFolders() {
  const own = (folder) => ({ folder, gen: join(folder, 'src', 'gen') });
  const ofPackage = (folder) => ({ folder: join(folder, 'schemas'), gen: join(folder, 'src', 'gen') });
  const ofTests = (folder) => ({ folder, gen: join(folder, 'gen') });
  const below = (group) => readdirSync(join(root, group)).map((name) => join(root, group, name));
  const candidates = [
    ...below('examples').map((folder) => own(folder)),
    own(join(root, 'benchmarks')),
    ...below('packages').map((folder) => ofPackage(folder)),
    ...below('packages').map((folder) => ofTests(join(folder, 'test'))),
    ofTests(join(root, 'tests', 'src', 'sim', 'pairs')),
  ];
  return candidates.filter(
    ({ folder }) => existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.proto')),
  );
}

function put(file, text) {
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  if (isCheck) {
    stale++;
    console.error(`${relative(root, file)} differs from what its .proto file gives.`);
    return;
  }
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  console.error(`wrote ${relative(root, file)}`);
}
