import { formatProblem, type Model, ModelError } from '@aep/model';
import { ExitCode } from '../exit-code.js';
import { formatQuantity } from '../output/progress.js';
import { readModel } from '../model-file.js';
import type { ModelOptions } from '../options/model-options.js';
import type { Session } from '../session.js';

export function validateModel({ io, output }: Session, [file]: readonly string[], options: ModelOptions): ExitCode {
  let model: Model;
  try {
    model = readModel(io, file!, options);
  } catch (thrown) {
    if (!(thrown instanceof ModelError)) throw thrown;
    const { problems } = thrown;
    if (output.json) output.document({ ok: false, file, problems });
    else for (const problem of problems) output.line(formatProblem(problem));
    output.note(`${file}: ${formatQuantity(problems.length, 'problem')}`);
    return ExitCode.problemsFound;
  }
  const found = { buses: model.buses.length, apps: model.apps.length, xvms: model.xvms.length };
  if (output.json) output.document({ ok: true, file, ...found, problems: [] });
  else
    output.line(
      `${output.style.green('ok')} ${file}: ${formatQuantity(found.buses, 'bus', 'buses')}, ${formatQuantity(found.apps, 'app')}, ${formatQuantity(found.xvms, 'xvm')}`,
    );
  return ExitCode.ok;
}
