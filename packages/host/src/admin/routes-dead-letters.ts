import type { DeadLetter, DeadLetterFilter, DeadLetters } from '@aep/engine';
import { AepError, toError } from '@aep/kernel';
import type { FastifyInstance } from 'fastify';
import type { Xvm } from '../xvm.js';

const TEXT = { type: 'string', maxLength: 1_000 } as const;
const ID = { type: 'integer', minimum: 1 } as const;
const APP = { type: 'string', minLength: 1, maxLength: 255 } as const;
const LIMIT = { type: 'integer', minimum: 1, maximum: 10_000, default: 1_000 } as const;
const BY = { type: TEXT, origin: TEXT, reason: TEXT, limit: LIMIT } as const;

const LIST = {
  params: { type: 'object', properties: { app: APP }, required: ['app'] },
  querystring: { type: 'object', properties: BY, additionalProperties: false },
} as const;
const ONE = { params: { type: 'object', properties: { app: APP, id: ID }, required: ['app', 'id'] } } as const;
const REPLAY_ONE = {
  ...ONE,
  body: {
    anyOf: [
      { type: 'object', properties: { message: { type: 'object' } }, additionalProperties: false },
      { type: 'null' },
    ],
  },
} as const;
/** Something has to say which letters are meant; `all` says that it is all of them. */
const MANY = {
  params: LIST.params,
  body: {
    type: 'object',
    properties: {
      ...BY,
      ids: { type: 'array', items: ID, minItems: 1, maxItems: 10_000 },
      all: { const: true },
      dryRun: { type: 'boolean' },
    },
    additionalProperties: false,
    anyOf: ['ids', 'type', 'origin', 'reason', 'all'].map((name) => ({ required: [name] })),
  },
} as const;

interface ManyBody extends DeadLetterFilter {
  readonly all?: true;
  readonly dryRun?: boolean;
}

interface Outcome {
  readonly matched: readonly number[];
  readonly done: readonly number[];
  readonly failed: readonly { readonly id: number; readonly code: string; readonly message: string }[];
}

/** E23: dead letters listed, shown decoded, replayed as they are or edited, and discarded; one, several or all. */
export function addDeadLetterRoutes(server: FastifyInstance, xvm: Xvm): void {
  const letters = (app: string): DeadLetters => xvm.engine(app).deadLetters;
  const path = '/apps/:app/dead-letters';
  type App = { Params: { readonly app: string } };
  type One = { Params: { readonly app: string; readonly id: number } };

  server.get<App & { Querystring: DeadLetterFilter }>(path, { schema: LIST }, ({ params, query }) => ({
    deadLetters: letters(params.app).list(query).map(headOf),
  }));
  server.get<One>(`${path}/:id`, { schema: ONE }, ({ params }) => {
    const letter = letters(params.app).get(params.id);
    return { ...headOf(letter), message: letters(params.app).decoded(letter) ?? null, bytes: letter.bytes };
  });
  server.post<One & { Body: { readonly message?: unknown } | undefined }>(
    `${path}/:id/replay`,
    { schema: REPLAY_ONE },
    async ({ params, body }) => {
      xvm.log.log('info', 'replay of a dead letter', {
        app: params.app,
        id: params.id,
        edited: body?.message !== undefined,
      });
      await letters(params.app).replay(params.id, body?.message);
      return { replayed: params.id };
    },
  );
  server.delete<One>(`${path}/:id`, { schema: ONE }, async ({ params }) => {
    xvm.log.log('info', 'discard of a dead letter', { app: params.app, id: params.id });
    await letters(params.app).discard(params.id);
    return { discarded: params.id };
  });
  for (const verb of ['replay', 'discard'] as const) {
    server.post<App & { Body: ManyBody }>(`${path}/${verb}`, { schema: MANY }, async ({ params, body }) => {
      const { dryRun = false, all: _all, ...filter } = body;
      const outcome = await forEach(letters(params.app), filter, dryRun ? undefined : verb);
      xvm.log.log('info', `${verb} of dead letters`, {
        app: params.app,
        matched: outcome.matched.length,
        done: outcome.done.length,
        dryRun,
      });
      return outcome;
    });
  }
}

/** One after the other, oldest first: their order may mean something. One that fails does not keep the others. */
async function forEach(
  letters: DeadLetters,
  filter: DeadLetterFilter,
  verb: 'replay' | 'discard' | undefined,
): Promise<Outcome> {
  const matched = letters.list(filter).map(({ id }) => id);
  const done: number[] = [];
  const failed: Outcome['failed'][number][] = [];
  for (const id of verb === undefined ? [] : matched) {
    try {
      await letters[verb!](id);
      done.push(id);
    } catch (thrown) {
      const code = thrown instanceof AepError ? thrown.code : 'AEP_ADMIN_FAILED';
      failed.push({ id, code, message: toError(thrown).message });
    }
  }
  return { matched, done, failed };
}

/** Without the content: a list of a thousand letters is to be looked through. */
function headOf({ bytes, ...head }: DeadLetter) {
  return { ...head, byteCount: bytes.length };
}
