import { AepError } from '@aep/kernel';
import type { FastifyInstance } from 'fastify';
import type { GroupUnit } from '../apps/app-unit.js';
import type { Xvm } from '../xvm.js';

interface AppParams {
  readonly app: string;
}

const NAME = { type: 'string', minLength: 1, maxLength: 255 } as const;
const APP_PARAMS = { type: 'object', properties: { app: NAME }, required: ['app'] } as const;
const SWITCH_BODY = { type: 'object', properties: { to: NAME }, additionalProperties: false } as const;
const PROMOTE_BODY = {
  type: 'object',
  properties: { unsafe: { const: true } },
  required: ['unsafe'],
  additionalProperties: false,
} as const;

/** What can be asked of this process's members of groups: their status, a planned hand-over, the last resort. */
export function addClusterRoutes(server: FastifyInstance, xvm: Xvm): void {
  server.get<{ Params: AppParams }>('/apps/:app/cluster', { schema: { params: APP_PARAMS } }, async ({ params }) => {
    const group = groupOf(xvm, params.app);
    const { present, arbiter } = await presentIn(group);
    return { ...group.status(), events: Object.fromEntries(group.eventCounts), present, arbiter };
  });
  server.post<{ Params: AppParams; Body: { readonly to?: string } | undefined }>(
    '/apps/:app/cluster/switch',
    { schema: { params: APP_PARAMS, body: { anyOf: [SWITCH_BODY, { type: 'null' }] } } },
    async ({ params, body }) => {
      const group = groupOf(xvm, params.app);
      xvm.log.log('info', 'a hand-over is asked for', { app: params.app, to: body?.to });
      await group.switchTo(body?.to);
      return group.status();
    },
  );
  server.post<{ Params: AppParams }>(
    '/apps/:app/cluster/promote',
    { schema: { params: APP_PARAMS, body: PROMOTE_BODY } },
    async ({ params }) => {
      const group = groupOf(xvm, params.app);
      xvm.log.log('warn', 'a promotion without safety is asked for: what this member lacks is lost', {
        app: params.app,
        lastTxId: group.status().lastTxId,
      });
      await group.promoteUnsafe();
      return group.status();
    },
  );
}

/** A status is wanted most of all when the arbiter is away. */
async function presentIn(group: GroupUnit) {
  try {
    return { present: await group.present(), arbiter: 'available' };
  } catch (thrown) {
    if (!(thrown instanceof AepError)) throw thrown;
    return { present: [], arbiter: `${thrown.code}: ${thrown.message}` };
  }
}

/** @throws AEP_APP_UNKNOWN, AEP_NO_GROUP (reject) */
function groupOf(xvm: Xvm, app: string): GroupUnit {
  const { group } = xvm.unit(app);
  if (group !== undefined) return group;
  throw new AepError(
    'AEP_NO_GROUP',
    'reject',
    `app "${app}" is in no group: give its storage a <clustering> part to make it a pair`,
    { app },
  );
}
