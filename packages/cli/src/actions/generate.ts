import { generate } from '@aep/codegen';
import { join } from 'node:path';
import { ExitCode } from '../exit-code.js';
import { readProtoFiles } from '../proto-files.js';
import type { Session } from '../session.js';

interface GenerateCommandOptions {
  readonly out: string;
  readonly check?: boolean;
  readonly root?: readonly string[];
}

type Outcome = 'current' | 'written' | 'stale' | 'missing';

export function generateCode(
  { io, output }: Session,
  protos: readonly string[],
  options: GenerateCommandOptions,
): ExitCode {
  const files = readProtoFiles(io, protos, options.root ?? []);
  const outcomes = generate({ files }).map(({ path, text, source }) => {
    const target = join(options.out, path);
    const before = io.files.exists(target) ? io.files.readText(target) : undefined;
    const outcome = outcomeOf(before, text, options.check === true);
    if (outcome === 'written') io.files.writeText(target, text);
    return { file: target, source, outcome };
  });
  const isCurrent = outcomes.every(({ outcome }) => outcome === 'current' || outcome === 'written');
  if (output.json) output.document({ ok: isCurrent, files: outcomes });
  else for (const { file, outcome } of outcomes) output.line(`${outcome.padEnd(7)}  ${file}`);
  if (!isCurrent)
    output.note('generated code is not current: run the same command without --check, and commit what it writes');
  return isCurrent ? ExitCode.ok : ExitCode.problemsFound;
}

/** What is current is left alone, so that builds that look at times do nothing. */
function outcomeOf(before: string | undefined, text: string, isCheck: boolean): Outcome {
  if (before === text) return 'current';
  if (!isCheck) return 'written';
  return before === undefined ? 'missing' : 'stale';
}
