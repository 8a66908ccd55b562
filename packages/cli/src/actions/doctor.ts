import { toError } from '@aep/kernel';
import { type Check, type Finding, machineChecks } from '../doctor/checks.js';
import { portChecks } from '../doctor/ports.js';
import { ExitCode } from '../exit-code.js';
import { readModel } from '../model-file.js';
import type { ModelOptions } from '../options/model-options.js';
import type { Session } from '../session.js';

interface DoctorOptions extends ModelOptions {
  readonly data?: string;
  readonly model?: string;
}

export async function runDoctor(
  { io, output }: Session,
  _args: readonly string[],
  options: DoctorOptions,
): Promise<ExitCode> {
  const checks = [...machineChecks(io, options.data ?? io.cwd)];
  if (options.model !== undefined) checks.push(...portChecks(io, readModel(io, options.model, options)));
  const findings: Finding[] = [];
  for (const check of checks) {
    const finding = await look(check);
    findings.push(finding);
    if (output.json) continue;
    const { name, status, found, advice } = finding;
    const mark = { ok: output.style.green('ok  '), warn: output.style.yellow('warn'), fail: output.style.red('FAIL') }[
      status
    ];
    output.line(`${mark}  ${name.padEnd(18)}  ${found}`);
    if (advice !== undefined) output.line(`                          ${advice}`);
  }
  const isFit = findings.every(({ status }) => status !== 'fail');
  if (output.json) output.document({ ok: isFit, findings });
  return isFit ? ExitCode.ok : ExitCode.problemsFound;
}

/** What cannot be measured is a finding too. */
async function look({ name, advice, measure }: Check): Promise<Finding> {
  try {
    return { name, ...(await measure()) };
  } catch (thrown) {
    return { name, status: 'fail', found: toError(thrown).message, advice };
  }
}
