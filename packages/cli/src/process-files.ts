import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { AepError, toError } from '@aep/kernel';
import type { CliFiles } from './cli-io.js';

/** More than this is no file that a person gives to a command. */
const TEXT_BYTES_MAX = 256 * 1024 * 1024;

/** The files of the machine, with paths relative to a directory. */
export function diskFiles(cwd: string): CliFiles {
  const at = (path: string): string => resolve(cwd, path);
  return {
    readText: (path) =>
      attempt('read', path, () => {
        const { size } = statSync(at(path));
        if (size > TEXT_BYTES_MAX) throw new Error(`it has ${size} bytes, more than ${TEXT_BYTES_MAX}`);
        return readFileSync(at(path), 'utf8');
      }),
    writeText: (path, text) =>
      attempt('write', path, () => {
        mkdirSync(dirname(at(path)), { recursive: true });
        writeFileSync(at(path), text);
      }),
    exists: (path) => existsSync(at(path)),
    isDirectory: (path) =>
      attempt('read', path, () => statSync(at(path), { throwIfNoEntry: false })?.isDirectory() === true),
    filesBelow: (path) => attempt('read', path, () => walk(at(path), at(path)).toSorted()),
  };
}

function walk(root: string, directory: string): string[] {
  const files: string[] = [];
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    // Symbolic links are not followed: they can be a circle.
    if (entry.isDirectory()) {
      if (entry.name !== 'node_modules' && !entry.name.startsWith('.'))
        files.push(...walk(root, join(directory, entry.name)));
    } else if (entry.isFile()) files.push(relative(root, join(directory, entry.name)).split(sep).join('/'));
  }
  return files;
}

function attempt<T>(verb: string, path: string, action: () => T): T {
  try {
    return action();
  } catch (thrown) {
    const reason = REASONS[(thrown as NodeJS.ErrnoException).code ?? ''] ?? toError(thrown).message;
    throw new AepError(
      'AEP_CLI_FILE',
      'reject',
      `${path} cannot be ${verb === 'read' ? 'read' : 'written'}: ${reason}`,
      { path },
      thrown,
    );
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or directory',
  EACCES: 'this user may not',
  EPERM: 'this user may not',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of its path is not a directory',
  ENOSPC: 'the disk is full',
  EROFS: 'the file system is read-only',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'its symbolic links go in a circle',
};
