import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { BrokerCommand, BrokerKind, BrokerPlace } from './broker-process.js';
import { isListening } from './ports.js';

export interface NatsServerOptions {
  /** More lines of its configuration file (authorization, tls, limits); a function gets the broker's place. */
  readonly configuration?: string | ((place: BrokerPlace) => string);
  /** Lines inside `jetstream { }`. */
  readonly jetstream?: string;
  /** @default false */
  readonly withoutJetStream?: boolean;
}

/** Debian puts it into /usr/sbin, which is not on everybody's PATH. */
const FOLDERS = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/bin'];

/** NATS with JetStream, as `scripts/nats.sh install` gets it. */
export function natsServer({
  configuration = '',
  jetstream = '',
  withoutJetStream = false,
}: NatsServerOptions = {}): BrokerKind {
  return {
    name: 'nats-server',
    missing: () =>
      findServer() === undefined ? 'no nats-server here: run scripts/nats.sh install (as root)' : undefined,
    prepare(place): BrokerCommand {
      const more = typeof configuration === 'function' ? configuration(place) : configuration;
      const lines = [
        `listen: "127.0.0.1:${place.ports[0]}"`,
        withoutJetStream ? '' : `jetstream { store_dir: ${JSON.stringify(place.folder)}\n${jetstream} }`,
        more,
      ];
      const file = join(place.folder, 'nats.conf');
      writeFileSync(file, `${lines.join('\n')}\n`);
      return { file: findServer() ?? 'nats-server', args: ['-c', file] };
    },
    // It may listen before JetStream has recovered its streams; a client is told so, and tries again.
    isReady: (place) => isListening(place.ports[0]!),
  };
}

function findServer(): string | undefined {
  return FOLDERS.map((folder) => join(folder, 'nats-server')).find((file) => existsSync(file));
}
