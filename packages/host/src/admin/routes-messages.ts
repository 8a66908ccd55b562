import { AepError, didYouMean } from '@aep/kernel';
import { type MessageFactory, type MessageView, TypeRegistry } from '@aep/messages';
import type { FastifyInstance } from 'fastify';
import type { Xvm } from '../xvm.js';

const NAME = { type: 'string', minLength: 1, maxLength: 255 } as const;
const SEND = {
  params: { type: 'object', properties: { app: NAME }, required: ['app'] },
  body: {
    type: 'object',
    properties: {
      channel: NAME,
      bus: NAME,
      type: { type: 'string', minLength: 1, maxLength: 1_000 },
      message: { type: 'object' },
      key: { type: 'string', maxLength: 65_535 },
      idempotencyKey: NAME,
    },
    required: ['channel', 'type', 'message'],
    additionalProperties: false,
  },
} as const;

interface SendBody {
  readonly channel: string;
  /** Needed when several buses have a channel of that name. */
  readonly bus?: string;
  /** Full name of the message type. */
  readonly type: string;
  /** ProtoJSON. */
  readonly message: unknown;
  readonly key?: string;
  readonly idempotencyKey?: string;
}

/** A message that somebody outside sends through an app: an unsolicited send of its engine, answered when it is stable (E40). */
export function addMessageRoutes(server: FastifyInstance, xvm: Xvm): void {
  server.post<{ Params: { readonly app: string }; Body: SendBody }>(
    '/apps/:app/send',
    { schema: SEND },
    async ({ params, body }) => {
      const { channel, bus, type, message, key, idempotencyKey } = body;
      const engine = xvm.engine(params.app);
      const view = messageOf(engine.app.factories, type, message);
      xvm.log.log('info', 'message sent for a caller', { app: params.app, channel, type });
      await engine.senderFor().sendMessage(bus === undefined ? channel : `${channel}@${bus}`, view, {
        ...(key === undefined ? {} : { key }),
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      });
      return { app: params.app, channel, type };
    },
  );
}

/** @throws AEP_MESSAGE_TYPE_UNKNOWN, AEP_JSON_INVALID (reject) */
function messageOf(factories: readonly MessageFactory[], type: string, json: unknown): MessageView {
  const types = new TypeRegistry(factories);
  const found = types.byName(type);
  if (found !== undefined) return found.fromJSON(json);
  const known = types.types.map(({ fullName }) => fullName);
  throw new AepError(
    'AEP_MESSAGE_TYPE_UNKNOWN',
    'reject',
    `no factory of the app has a message type "${type}"${didYouMean(type, known)}; it knows ${known.join(', ') || 'none'}`,
    { type },
  );
}
