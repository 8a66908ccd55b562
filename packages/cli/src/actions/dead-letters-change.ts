import type { AdminClient } from '../admin/admin-client.js';
import { adminClient } from '../admin/admin-target.js';
import type { DeadLetterChoice, DeadLetterOutcome } from '../admin/admin-types.js';
import { ExitCode } from '../exit-code.js';
import { readJsonFile } from '../json-input.js';
import type { AdminOptions } from '../options/admin-options.js';
import type { Session } from '../session.js';
import { usageError } from '../usage-error.js';
import { queryOf } from './dead-letters-look.js';

interface ChangeOptions extends AdminOptions {
  readonly app?: string;
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly edit?: string;
  readonly type?: string;
  readonly origin?: string;
  readonly reason?: string;
}

type Verb = 'replay' | 'discard';

export function replayDeadLetters(
  session: Session,
  args: readonly string[],
  options: ChangeOptions,
): Promise<ExitCode> {
  return change({ session, verb: 'replay' }, args, options);
}

export function discardDeadLetters(
  session: Session,
  args: readonly string[],
  options: ChangeOptions,
): Promise<ExitCode> {
  return change({ session, verb: 'discard' }, args, options);
}

async function change(
  { session, verb }: { session: Session; verb: Verb },
  args: readonly string[],
  options: ChangeOptions,
): Promise<ExitCode> {
  const choice = chosen(args, options);
  const client = adminClient(session.io, options);
  const app = await client.chooseApp(options.app);
  if (options.edit !== undefined)
    return await replayEdited(session, client, { app: app.name, ids: choice.ids ?? [], file: options.edit });
  const outcome = await client.changeDeadLetters(app.name, verb, choice);
  // A filter that matches nothing is an answer; an id that is not there is a mistake.
  const missing = (choice.ids ?? []).filter((id) => !outcome.matched.includes(id));
  report(session, verb, { outcome, missing, isDryRun: options.dryRun === true });
  return outcome.failed.length === 0 && missing.length === 0 ? ExitCode.ok : ExitCode.problemsFound;
}

/** @throws AEP_CLI_USAGE */
function chosen(args: readonly string[], options: ChangeOptions): DeadLetterChoice {
  const filter = queryOf(options);
  const isFiltered = Object.keys(filter).length > 0;
  const wrong = args.find((arg) => !/^[1-9]\d{0,14}$/.test(arg));
  if (wrong !== undefined) throw usageError(`"${wrong}" is no id of a dead letter`);
  const ids = args.map(Number);
  if (ids.length > 0 && options.all === true) throw usageError('give ids, or --all, not both');
  if (ids.length === 0 && options.all !== true)
    throw usageError('which dead letters? Give their ids, or --all (with --type, --origin or --reason for some)');
  if (ids.length > 0 && isFiltered) throw usageError('--type, --origin and --reason go with --all');
  if (options.edit !== undefined && (ids.length !== 1 || options.dryRun === true))
    throw usageError('--edit replaces the message of one id, and does it');
  const which = ids.length > 0 ? { ids } : isFiltered ? filter : { all: true as const };
  return { ...which, limit: LETTERS_MAX, ...(options.dryRun === true ? { dryRun: true } : {}) };
}

/** What the admin server does in one call. */
const LETTERS_MAX = 10_000;

async function replayEdited(
  { io, output }: Session,
  client: AdminClient,
  { app, ids, file }: { app: string; ids: readonly number[]; file: string },
): Promise<ExitCode> {
  const id = ids[0]!;
  await client.replayEdited(app, id, await readJsonFile(io, file));
  if (output.json) output.document({ matched: [id], done: [id], failed: [], missing: [] });
  else output.line(`replayed ${id} with the message of ${file}`);
  return ExitCode.ok;
}

interface Report {
  readonly outcome: DeadLetterOutcome;
  readonly missing: readonly number[];
  readonly isDryRun: boolean;
}

function report({ output }: Session, verb: Verb, { outcome, missing, isDryRun }: Report): void {
  const { matched, done, failed } = outcome;
  if (output.json) {
    output.document({ matched, done, failed, missing, dryRun: isDryRun });
    return;
  }
  const past = verb === 'replay' ? 'replayed' : 'discarded';
  if (isDryRun) for (const id of matched) output.line(`would be ${past}: ${id}`);
  for (const id of done) output.line(`${past} ${id}`);
  for (const { id, code, message } of failed) output.line(`${output.style.red('failed')} ${id}: ${code}: ${message}`);
  for (const id of missing) output.line(`${output.style.red('missing')} ${id}: there is no such dead letter`);
  if (matched.length === 0 && missing.length === 0) output.note('no dead letter matches');
}
