import type { Engine } from '@aep/engine';
import { AepError, didYouMean } from '@aep/kernel';
import { type MessageView, TypeRegistry } from '@aep/messages';
import type { FastifyInstance } from 'fastify';
import { joinedChannels } from '../translate/roster.js';
import type { Xvm } from '../xvm.js';

const NAME = { type: 'string', minLength: 1, maxLength: 255 } as const;
const SEND = {
  body: {
    type: 'object',
    properties: {
      channel: NAME,
      bus: NAME,
      app: NAME,
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
  /** @default the first app that sends on the channel without receiving from it, else the first that uses it */
  readonly app?: string;
  /** Full name of the message type. */
  readonly type: string;
  /** ProtoJSON. */
  readonly message: unknown;
  readonly key?: string;
  readonly idempotencyKey?: string;
}

/** One app's use of the channel that is meant. */
interface Use {
  readonly engine: Engine;
  readonly place: string;
  readonly isReceiver: boolean;
}

/**
 * A message that somebody outside hands in; answered when it is stable. An app that does not receive from the channel sends
 * it, unsolicited (E40). One that does gets it as a local event: on a bus whose receivers confirm, a send to oneself would
 * wait for its own acknowledgement, which waits for what was sent before it (E31, E32).
 */
export function addMessageRoutes(server: FastifyInstance, xvm: Xvm): void {
  server.post<{ Body: SendBody }>('/send', { schema: SEND }, ({ body }) => handIn(xvm, body));
  server.post<{ Params: { readonly app: string }; Body: SendBody }>(
    '/apps/:app/send',
    { schema: SEND },
    ({ params, body }) => handIn(xvm, { ...body, app: params.app }),
  );
}

async function handIn(xvm: Xvm, request: SendBody) {
  const { channel, type, message, key, idempotencyKey } = request;
  const { engine, place, isReceiver } = chooseUse(xvm, request);
  if (isReceiver && idempotencyKey !== undefined) throw notIdempotent(engine.name, place);
  const view = messageOf(engine, type, message);
  xvm.log.log('info', 'a message of a caller', { app: engine.name, channel: place, type });
  if (isReceiver) await engine.inject(view);
  else {
    await engine.senderFor().sendMessage(place, view, {
      ...(key === undefined ? {} : { key }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    });
  }
  return { app: engine.name, channel, type, as: isReceiver ? 'local event' : 'message' };
}

/** @throws AEP_APP_UNKNOWN, AEP_CHANNEL_UNKNOWN (reject) */
function chooseUse(xvm: Xvm, { app, channel, bus }: SendBody): Use {
  const engines = app === undefined ? xvm.engines : [xvm.engine(app)];
  const uses = engines.flatMap((engine) => usesOf(xvm, engine));
  const found = uses.filter(({ place }) =>
    bus === undefined ? place.startsWith(`${channel}@`) : place === `${channel}@${bus}`,
  );
  const chosen = found.find(({ isReceiver }) => !isReceiver) ?? found[0];
  if (chosen !== undefined) return chosen;
  const wanted = bus === undefined ? channel : `${channel}@${bus}`;
  const known = [...new Set(uses.map(({ place }) => place))];
  throw new AepError(
    'AEP_CHANNEL_UNKNOWN',
    'reject',
    `no app here uses channel "${wanted}"${didYouMean(wanted, [...known, ...known.map((place) => place.split('@')[0]!)])}; there is ${known.join(', ') || 'none'}`,
    { channel: wanted },
  );
}

function usesOf({ model }: Xvm, engine: Engine): Use[] {
  const app = model.apps.find(({ name }) => name === engine.name);
  if (app === undefined) return [];
  return model.buses.flatMap((bus) => {
    if (!app.messaging.buses.some(({ name }) => name === bus.name)) return [];
    const joined = new Set(
      joinedChannels(bus, { model: app, definition: engine.app }).map(({ channel }) => channel.name),
    );
    return bus.channels.map(({ name }) => ({ engine, place: `${name}@${bus.name}`, isReceiver: joined.has(name) }));
  });
}

/** @throws AEP_MESSAGE_TYPE_UNKNOWN, AEP_JSON_INVALID (reject) */
function messageOf({ app }: Engine, type: string, json: unknown): MessageView {
  const types = new TypeRegistry(app.factories);
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

function notIdempotent(app: string, channel: string): AepError {
  return new AepError(
    'AEP_ADMIN_REQUEST_INVALID',
    'reject',
    `app "${app}" receives from ${channel} itself, and gets the message as a local event, which has no idempotency key: leave the key out, or name an app that sends on the channel`,
    { app, channel },
  );
}
