import { compareSchemas } from '@aep/codegen';
import { ExitCode } from '../exit-code.js';
import { formatQuantity } from '../output/progress.js';
import { readProtoFiles } from '../proto-files.js';
import type { Session } from '../session.js';

interface SchemaOptions {
  readonly root?: readonly string[];
}

export function checkSchema(
  { io, output }: Session,
  [before, after]: readonly string[],
  { root = [] }: SchemaOptions,
): ExitCode {
  const old = readProtoFiles(io, [before!], root);
  const now = readProtoFiles(io, [after!], root);
  const changes = compareSchemas(old, now);
  if (output.json) {
    const documents = changes.map(({ kind, place, message }) => ({
      kind,
      file: place.path,
      line: place.line,
      column: place.column,
      message,
    }));
    output.document({ ok: changes.length === 0, changes: documents });
  } else {
    for (const { kind, message } of changes) output.line(`${message} [${kind}]`);
    if (changes.length === 0) output.line(`${output.style.green('ok')} ${after!}: nothing breaks`);
    else output.note(formatQuantity(changes.length, 'breaking change'));
  }
  return changes.length === 0 ? ExitCode.ok : ExitCode.problemsFound;
}
