import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { BrokerCommand, BrokerKind, BrokerPlace } from './broker-process.js';
import { isListening } from './ports.js';

export interface EtcdServerOptions {
  /** More arguments, such as those of TLS; a function gets the place. */
  readonly args?: readonly string[] | ((place: BrokerPlace) => readonly string[]);
  /** @default 'http' */
  readonly scheme?: 'http' | 'https';
  /** Address that clients reach it at. @default '127.0.0.1' */
  readonly host?: string;
}

const FOLDERS = [...(process.env['PATH'] ?? '').split(':'), '/usr/bin', '/usr/local/bin'];

/** One etcd server on loopback, as `scripts/etcd.sh install` gets it. The first port is for clients, the second for peers. */
export function etcdServer({ args = [], scheme = 'http', host = '127.0.0.1' }: EtcdServerOptions = {}): BrokerKind {
  return {
    name: 'etcd',
    portCount: 2,
    isReady: ({ ports }) => isListening(ports[0]!, host),
    missing: () => (findServer() === undefined ? 'no etcd here: run scripts/etcd.sh install (as root)' : undefined),
    prepare(place): BrokerCommand {
      const client = `${scheme}://${host}:${place.ports[0]}`;
      const peer = `http://127.0.0.1:${place.ports[1]}`;
      return {
        file: findServer() ?? 'etcd',
        args: [
          '--name=one',
          `--data-dir=${join(place.folder, 'data')}`,
          `--listen-client-urls=${client}`,
          `--advertise-client-urls=${client}`,
          `--listen-peer-urls=${peer}`,
          `--initial-advertise-peer-urls=${peer}`,
          `--initial-cluster=one=${peer}`,
          // A member of one has nobody to wait for; with the default it takes a second to lead itself.
          '--heartbeat-interval=20',
          '--election-timeout=200',
          ...(typeof args === 'function' ? args(place) : args),
        ],
      };
    },
  };
}

function findServer(): string | undefined {
  return FOLDERS.map((folder) => join(folder, 'etcd')).find((file) => existsSync(file));
}
