// Writes test/gen from test/proto, and the well-known types into packages/messages. Run after `tsc -b packages/codegen`.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generate } from '../dist/index.js';
import { generateWellKnown } from '../dist/internal.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const protoRoot = join(root, 'test/proto');
const files = readdirSync(protoRoot, { recursive: true })
  .filter((path) => path.endsWith('.proto'))
  .sort()
  .map((path) => ({ path, text: readFileSync(join(protoRoot, path), 'utf8') }));

function write(directory, generated) {
  for (const { path, text } of generated) {
    const target = join(directory, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
}

write(
  join(root, '../messages/src/gen'),
  generateWellKnown().map((file) => ({ ...file, path: file.path.replace('google/protobuf/', '') })),
);
write(join(root, 'test/gen'), generate({ files }));
