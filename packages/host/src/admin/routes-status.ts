import process from 'node:process';
import { configOrigins, describeOrigin, type Model } from '@aep/model';
import type { FastifyInstance } from 'fastify';
import type { Xvm } from '../xvm.js';
import { metricsText } from './metrics.js';

/** What can be looked at: health, status, metrics, configuration. */
export function addStatusRoutes(server: FastifyInstance, xvm: Xvm): void {
  // Answering at all is the sign of life: a loop that hangs does not.
  server.get('/health/live', () => ({ status: 'live' }));
  server.get('/health/ready', async (_request, reply) => {
    const waitsFor = notReady(xvm);
    return await reply
      .code(waitsFor.length === 0 ? 200 : 503)
      .send({ status: waitsFor.length === 0 ? 'ready' : 'not ready', waitsFor });
  });
  server.get('/status', () => xvm.status());
  server.get('/metrics', async (_request, reply) => {
    const text = metricsText(xvm.status(), process.memoryUsage());
    return await reply.type('text/plain; version=0.0.4; charset=utf-8').serializer(String).send(text);
  });
  server.get('/config', () => ({ values: configValues(xvm.model) }));
}

/** Apps that should run and do not, or whose buses are not open. */
function notReady(xvm: Xvm): string[] {
  if (xvm.state !== 'started') return [`process: ${xvm.state}`];
  return xvm.status().apps.flatMap(({ name, autoStart, state, messaging, role }) => {
    if (!autoStart && state === 'created') return [];
    // A member that follows is as it should be: it takes over when it must.
    if (role === 'backup') return [];
    if (state !== 'started') return [`${name}: ${state}`];
    return messaging === 'started' ? [] : [`${name}: messaging ${messaging}`];
  });
}

/** Every value with where it came from; secrets are not shown. */
function configValues(model: Model) {
  return configOrigins(model).map(({ setting, written, secret, origin }) => ({
    setting,
    value: secret && written !== null ? '(secret)' : written,
    origin: describeOrigin(origin),
  }));
}
