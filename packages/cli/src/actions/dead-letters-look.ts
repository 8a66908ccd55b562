import { decodeMessage, listDeadLetters } from '@aep/engine';
import { AepError } from '@aep/kernel';
import { adminClient, isAdminGiven } from '../admin/admin-target.js';
import type { DeadLetterJson, DeadLetterQuery } from '../admin/admin-types.js';
import { ExitCode } from '../exit-code.js';
import type { StoreOptions } from '../options/store-options.js';
import { toJsonText } from '../output/json.js';
import { formatQuantity } from '../output/progress.js';
import type { Session } from '../session.js';
import { timeText } from '../store/record-json.js';
import { type SelectedStore, storeAndNumbers, withStore } from '../store/select-store.js';
import { StateAt } from '../store/state-at.js';

export interface LookOptions extends StoreOptions {
  readonly admin?: string;
  readonly type?: string;
  readonly origin?: string;
  readonly reason?: string;
  readonly limit?: number;
}

const LIST_LIMIT = 50;
/** As many as a store can have in practice; a list of all ids is needed to name the nearest. */
const ALL = 1_000_000;

export async function listDeadLetterCommand(
  session: Session,
  [path]: readonly string[],
  options: LookOptions,
): Promise<ExitCode> {
  const limit = options.limit ?? LIST_LIMIT;
  // One more than is shown tells whether there are more.
  const query = { ...queryOf(options), limit: limit + 1 };
  const found = isOnline(session, path, options)
    ? await listOnline(session, options, query)
    : await listOffline(session, { path, options }, query);
  const letters = found.slice(0, limit);
  if (session.output.json) session.output.document(letters);
  else printLetters(session, letters, found.length > limit);
  return ExitCode.ok;
}

export async function showDeadLetter(
  session: Session,
  args: readonly string[],
  options: LookOptions,
): Promise<ExitCode> {
  const { path, numbers } = storeAndNumbers(args, { least: 1, most: 1, text: 'one id and at most one store' });
  const id = numbers[0]!;
  const letter = isOnline(session, path, options)
    ? await showOnline(session, options, id)
    : await showOffline(session, { path, options }, id);
  if (session.output.json) session.output.document(letter);
  else printLetter(session, letter);
  return ExitCode.ok;
}

/** The parts of a filter that were given. */
export function queryOf({ type, origin, reason }: LookOptions): DeadLetterQuery {
  return {
    ...(type === undefined ? {} : { type }),
    ...(origin === undefined ? {} : { origin }),
    ...(reason === undefined ? {} : { reason }),
  };
}

export function printLetters({ output }: Session, letters: readonly DeadLetterJson[], isMore: boolean): void {
  const columns = [
    { title: 'ID', align: 'right' as const },
    { title: 'TIME' },
    { title: 'TYPE' },
    { title: 'ORIGIN' },
    { title: 'TRIES', align: 'right' as const },
    { title: 'REASON' },
    { title: 'ERROR' },
  ];
  output.table(
    columns,
    letters.map((letter) => [
      String(letter.id),
      timeText(letter.atMs),
      typeOf(letter),
      letter.origin,
      String(letter.attempts),
      letter.reason,
      letter.error,
    ]),
  );
  output.note(`${formatQuantity(letters.length, 'dead letter')}${isMore ? '; there are more: raise --limit' : ''}`);
}

/** A store that is named by its directory is meant, whatever the environment says. */
function isOnline({ io }: Session, path: string | undefined, options: LookOptions): boolean {
  if (options.admin !== undefined) return true;
  return path === undefined && options.model === undefined && isAdminGiven(io, options);
}

async function listOnline(
  { io }: Session,
  options: LookOptions,
  query: DeadLetterQuery,
): Promise<readonly DeadLetterJson[]> {
  const client = adminClient(io, options);
  const app = await client.chooseApp(options.app);
  return await client.deadLetters(app.name, query);
}

async function showOnline({ io }: Session, options: LookOptions, id: number): Promise<DeadLetterJson> {
  const client = adminClient(io, options);
  const app = await client.chooseApp(options.app);
  return await client.deadLetter(app.name, id);
}

interface Place {
  readonly path: string | undefined;
  readonly options: LookOptions;
}

async function listOffline(session: Session, place: Place, query: DeadLetterQuery): Promise<DeadLetterJson[]> {
  return await withStore(session, place, (store) =>
    lettersIn(store, query).map(({ bytes, ...head }) => ({ ...head, byteCount: bytes.length })),
  );
}

async function showOffline(session: Session, place: Place, id: number): Promise<DeadLetterJson> {
  return await withStore(session, place, (store) => {
    const letter = lettersIn(store, { limit: ALL }).find((each) => each.id === id);
    if (letter === undefined) {
      throw new AepError(
        'AEP_DEAD_LETTER_UNKNOWN',
        'reject',
        `there is no dead letter ${id}: list them with "aep dead-letters list"`,
        { id },
      );
    }
    const { bytes, ...head } = letter;
    const message = decodeMessage(store.types.messages, letter) ?? null;
    return { ...head, byteCount: bytes.length, message, bytes: Buffer.from(bytes).toString('base64') };
  });
}

/** As of the newest transaction: the tables lag behind the journal. */
function lettersIn({ reader }: SelectedStore, query: DeadLetterQuery) {
  const state = StateAt.open(reader, undefined);
  try {
    return listDeadLetters(state, query);
  } finally {
    state.close();
  }
}

function printLetter({ output }: Session, letter: DeadLetterJson): void {
  const { id, atMs, origin, key, attempts, reason, error, senderId, sno, message, bytes } = letter;
  const lines = [
    `dead letter ${id}`,
    `  time      ${timeText(atMs)}`,
    `  type      ${typeOf(letter)}`,
    `  origin    ${origin}${key === '' ? '' : ` [${key}]`}`,
    `  sender    ${senderId}, sno ${sno}`,
    `  attempts  ${attempts}`,
    `  reason    ${reason}`,
    `  error     ${error}`,
  ];
  for (const line of lines) output.line(line);
  if (message !== undefined && message !== null) output.line(toJsonText(message));
  else
    output.line(
      `  bytes     ${Buffer.from(bytes ?? '', 'base64').toString('hex')} (not decoded: add --types, or the type or the bytes cannot be read)`,
    );
}

function typeOf({ type, factoryId, typeId }: DeadLetterJson): string {
  return type === '' ? `${factoryId}:${typeId}` : type;
}
