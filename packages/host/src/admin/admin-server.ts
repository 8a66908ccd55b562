import { AepError, toError } from '@aep/kernel';
import { fastify, type FastifyInstance } from 'fastify';
import type { Companion, Xvm } from '../xvm.js';
import { Access, type AdminAddress, checkAddress } from './access.js';
import { errorReply } from './error-reply.js';
import { toJson } from './json.js';
import { addAppRoutes } from './routes-apps.js';
import { addClusterRoutes } from './routes-cluster.js';
import { addDeadLetterRoutes } from './routes-dead-letters.js';
import { addMessageRoutes } from './routes-messages.js';
import { addStatusRoutes } from './routes-status.js';

const BODY_BYTES_MAX = 1024 * 1024;
/** A request that takes longer to arrive is cut off; an answer may take as long as its command. */
const REQUEST_TIMEOUT_MS = 30_000;

/** The admin API over HTTP, next to the engines of a process. */
export class AdminServer implements Companion {
  private server: FastifyInstance | undefined;

  /** @throws AEP_ADMIN_ADDRESS_UNSAFE, AEP_ADMIN_TOKEN_WEAK (reject) */
  constructor(private readonly options: AdminAddress) {
    checkAddress(options);
  }

  /** @throws AEP_ADMIN_LISTEN_FAILED (retry) */
  async open(xvm: Xvm): Promise<void> {
    const { address, port } = this.options;
    const server = buildAdmin(xvm, this.options);
    try {
      await server.listen({ host: address, port });
    } catch (thrown) {
      await server.close();
      throw new AepError(
        'AEP_ADMIN_LISTEN_FAILED',
        'retry',
        `the admin server cannot listen on ${address}:${port}: ${toError(thrown).message}`,
        { address, port },
        thrown,
      );
    }
    this.server = server;
    xvm.log.log('info', 'admin server listens', { address, port });
  }

  async close(): Promise<void> {
    await this.server?.close();
  }
}

/** The server without its socket; what tests inject requests into. */
export function buildAdmin(xvm: Xvm, options: AdminAddress): FastifyInstance {
  const access = new Access(options);
  const server = fastify({
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
    logger: false,
    routerOptions: { maxParamLength: 300 },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, strictTypes: false } },
  });
  // JSON alone: the types that a page of another origin may post without asking are not among it.
  server.removeContentTypeParser('text/plain');
  server.setReplySerializer(toJson);
  server.addHook('onRequest', async ({ headers, url }) => {
    access.checkPlace(headers);
    // Probes of an orchestrator carry no token, and are told nothing that needs one.
    if (!url.startsWith('/health/')) access.checkToken(headers);
  });
  server.setErrorHandler(async (thrown, request, reply) => {
    const { status, body } = errorReply(thrown);
    if (status >= 500)
      xvm.log.log(
        'error',
        'an admin request failed',
        { method: request.method, url: request.routeOptions.url },
        thrown,
      );
    if (status === 401) reply.header('www-authenticate', 'Bearer');
    return await reply.code(status).send(body);
  });
  server.setNotFoundHandler((request) => {
    throw new AepError(
      'AEP_ADMIN_ROUTE_UNKNOWN',
      'reject',
      `there is no ${request.method} ${request.url.slice(0, 200)}: the README of @aep/host lists what there is`,
      {},
    );
  });
  addStatusRoutes(server, xvm);
  addAppRoutes(server, xvm);
  addClusterRoutes(server, xvm);
  addDeadLetterRoutes(server, xvm);
  addMessageRoutes(server, xvm);
  return server;
}
