import type { Engine } from '@aep/engine';
import type { FastifyInstance } from 'fastify';
import type { Xvm } from '../xvm.js';

interface AppParams {
  readonly app: string;
}

const NAME = { type: 'string', minLength: 1, maxLength: 255 } as const;
const APP_PARAMS = { type: 'object', properties: { app: NAME }, required: ['app'] } as const;
const COMMAND_PARAMS = { type: 'object', properties: { app: NAME, name: NAME }, required: ['app', 'name'] } as const;
const COMMAND_BODY = {
  type: 'object',
  properties: {
    args: { type: 'object', maxProperties: 100, additionalProperties: { type: ['string', 'number', 'boolean'] } },
  },
  additionalProperties: false,
} as const;

/** What can be done with one app: start it, run its commands, look at its timers. */
export function addAppRoutes(server: FastifyInstance, xvm: Xvm): void {
  server.post<{ Params: AppParams }>('/apps/:app/start', { schema: { params: APP_PARAMS } }, async ({ params }) => {
    await xvm.startApp(params.app);
    return { app: params.app, state: xvm.engine(params.app).state };
  });
  server.get<{ Params: AppParams }>('/apps/:app/commands', { schema: { params: APP_PARAMS } }, ({ params }) => ({
    commands: describeCommands(xvm.engine(params.app)),
  }));
  server.post<{
    Params: AppParams & { readonly name: string };
    Body: { readonly args?: Record<string, unknown> } | undefined;
  }>(
    '/apps/:app/commands/:name',
    { schema: { params: COMMAND_PARAMS, body: { anyOf: [COMMAND_BODY, { type: 'null' }] } } },
    async ({ params, body }) => {
      const { app, name } = params;
      const args = body?.args ?? {};
      const engine = xvm.engine(app);
      xvm.log.log('info', 'command', { app, command: name });
      return { result: (await engine.execute(name, args)) ?? null };
    },
  );
  server.get<{ Params: AppParams }>('/apps/:app/timers', { schema: { params: APP_PARAMS } }, ({ params }) => ({
    timers: xvm.engine(params.app).timers,
  }));
}

function describeCommands(engine: Engine) {
  return engine.commands.map(({ name, description, options }) => ({ name, description, options }));
}
