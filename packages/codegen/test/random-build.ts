import type { Entity, MessageType } from '@aep/messages';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { generate } from '@aep/codegen';
import { type RandomMessage, schemaArbitrary, schemaText } from './random-schema.js';

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
const compiler = join(packageRoot, '../../node_modules/.bin/tsc');

/** A random schema as three programs know it: our generated views and entities, and protobufjs. */
export interface BuiltSchema {
  readonly index: number;
  readonly text: string;
  readonly messages: readonly RandomMessage[];
  readonly root: protobuf.Root;
  type(name: string): MessageType;
  newEntity(name: string): Entity;
}

/** The seed of the run: AEP_SEED repeats one. */
export const seed =
  process.env['AEP_SEED'] === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(process.env['AEP_SEED']);

interface GeneratedClass {
  readonly $type: MessageType;
  new (): Entity;
}

/** Generates code for random schemas, compiles all of it in one run of the compiler with our strictest settings, and loads it. */
export async function buildSchemas(count: number, directory: string): Promise<BuiltSchema[]> {
  const target = join(packageRoot, 'build', directory);
  rmSync(target, { recursive: true, force: true });
  mkdirSync(join(target, 'src'), { recursive: true });
  const drawn = fc.sample(schemaArbitrary, { numRuns: count, seed });
  const texts = drawn.map((messages, index) => schemaText(messages, `random${index}`, index + 1));
  const files = texts.map((text, index) => ({ path: `random${index}.proto`, text }));
  for (const file of generate({ files })) writeFileSync(join(target, 'src', file.path), file.text);
  const options = {
    extends: '../../../../tsconfig.base.json',
    compilerOptions: { rootDir: 'src', outDir: 'out', composite: false, declaration: false, declarationMap: false },
    include: ['src'],
  };
  writeFileSync(join(target, 'tsconfig.json'), JSON.stringify(options));
  execFileSync(compiler, ['-p', target], { stdio: 'inherit' });
  return Promise.all(
    drawn.map(async (messages, index) => {
      const url = pathToFileURL(join(target, 'out', `random${index}.js`)).href;
      const classes = (await import(url)) as Record<string, GeneratedClass>;
      const text = texts[index]!;
      const { root } = protobuf.parse(text.replace(/^import .*$/m, '').replaceAll(/option \(aep.*$/gm, ''), {
        keepCase: true,
      });
      root.resolveAll();
      return {
        index,
        text,
        messages,
        root,
        type: (name: string) => classes[name]!.$type,
        newEntity: (name: string) => new classes[`${name}Entity`]!(),
      };
    }),
  );
}
