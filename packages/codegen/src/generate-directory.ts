import { AepError } from '@aep/kernel';
import { generate } from './generate.js';
import type { SourceFile } from './schema.js';

/** The little of a file system that `aep generate` needs; paths use `/`. */
export interface FileSystem {
  /** Paths of all files below a directory, relative to it. */
  list(directory: string): readonly string[];
  /** `undefined` when there is no such file. */
  read(path: string): string | undefined;
  /** Makes the directories on the way too. */
  write(path: string, text: string): void;
}

export interface GenerateDirectoryOptions {
  /** Directory that imports are relative to; all .proto files below it are one schema. */
  readonly protoDirectory: string;
  readonly outputDirectory: string;
  /** Writes nothing and reports what is not current. @default false */
  readonly check?: boolean;
}

export interface GenerateReport {
  /** Paths of the generated files. */
  readonly files: readonly string[];
  /** Those whose text was (or with `check` would be) written anew. */
  readonly changed: readonly string[];
}

/** The schema below a directory, in a stable order. @throws AEP_PROTO_NOT_FOUND when there is no .proto file */
export function readProtoFiles(files: FileSystem, directory: string): SourceFile[] {
  const paths = files
    .list(directory)
    .filter((path) => path.endsWith('.proto'))
    .toSorted();
  if (paths.length === 0) {
    throw new AepError('AEP_PROTO_NOT_FOUND', 'reject', `${directory}: there is no .proto file in it or below it`, {
      directory,
    });
  }
  return paths.map((path) => ({ path, text: files.read(`${directory}/${path}`) ?? '' }));
}

/** What `aep generate` does: all .proto files of a directory to TypeScript in another one; files that are current are left alone. */
export function generateDirectory(files: FileSystem, options: GenerateDirectoryOptions): GenerateReport {
  const generated = generate({ files: readProtoFiles(files, options.protoDirectory) });
  const changed: string[] = [];
  for (const { path, text } of generated) {
    const target = `${options.outputDirectory}/${path}`;
    if (files.read(target) === text) continue;
    changed.push(path);
    if (options.check !== true) files.write(target, text);
  }
  return { files: generated.map((file) => file.path), changed };
}
