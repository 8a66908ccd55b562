import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrokerCommand, BrokerKind, BrokerPlace } from './broker-process.js';
import { isListening } from './ports.js';

export interface ActiveMqBrokerOptions {
  /** Who may connect; without it anybody on this machine may. */
  readonly users?: Readonly<Record<string, string>>;
  /** The only queues that users may use, as ActiveMQ writes names: `Consumer.a.>`. @default all */
  readonly allowedQueues?: string;
  /** Store and memory in MiB: at the limit producers are held back. @default 512 and 64 */
  readonly storeLimitMb?: number;
  readonly memoryLimitMb?: number;
  /** Producers get an error at once instead. */
  readonly isFailingWhenFull?: boolean;
  /** A second port, for STOMP over TLS, with a key of `makeKeyStore`. */
  readonly keyStore?: (place: BrokerPlace) => { readonly file: string; readonly password: string };
}

const JAR = '/usr/share/activemq/bin/activemq.jar';
const CONFIG = fileURLToPath(new URL('../config', import.meta.url));

/** ActiveMQ Classic with a STOMP connector, as `scripts/activemq.sh install` gets it. Debian's own configuration has OpenWire only. */
export function activeMqBroker(options: ActiveMqBrokerOptions = {}): BrokerKind {
  return {
    name: 'activemq',
    portCount: options.keyStore === undefined ? 1 : 2,
    missing: () => (isInstalled() ? undefined : 'no ActiveMQ here: run scripts/activemq.sh install (as root)'),
    prepare: (place) => prepare(place, options),
    isReady: async (place) => (await Promise.all(place.ports.map((port) => isListening(port)))).every(Boolean),
  };
}

function isInstalled(): boolean {
  return existsSync(JAR) && spawnSync('java', ['-version']).status === 0;
}

function prepare(place: BrokerPlace, options: ActiveMqBrokerOptions): BrokerCommand {
  const { folder, ports } = place;
  const { storeLimitMb = 512, memoryLimitMb = 64 } = options;
  mkdirSync(join(folder, 'data'), { recursive: true });
  const file = join(folder, 'activemq.xml');
  writeFileSync(file, configuration(place, options));
  const defines = {
    'activemq.home': '/usr/share/activemq',
    'activemq.base': folder,
    'activemq.conf': folder,
    'log4j.configuration': `file:${CONFIG}/log4j.properties`,
    'aep.port': ports[0],
    'aep.storeMb': storeLimitMb,
    'aep.memoryMb': memoryLimitMb,
  };
  const properties = Object.entries(defines).map(([name, value]) => `-D${name}=${value}`);
  return {
    file: 'java',
    // Small, and with the collector that needs no threads of its own: tests share the machine with it.
    args: [
      '-Xmx256m',
      '-XX:+UseSerialGC',
      '-XX:-UsePerfData',
      ...properties,
      '-jar',
      JAR,
      'start',
      `xbean:file:${file}`,
    ],
  };
}

function configuration(
  place: BrokerPlace,
  { users, allowedQueues, keyStore, isFailingWhenFull }: ActiveMqBrokerOptions,
): string {
  let text = readFileSync(join(CONFIG, 'activemq.xml'), 'utf8');
  if (isFailingWhenFull === true) text = text.replace('sendFailIfNoSpace="false"', 'sendFailIfNoSpace="true"');
  if (users !== undefined)
    text = text.replace(
      '<!-- plugins -->',
      `<plugins>${authentication(users)}${authorization(allowedQueues)}</plugins>`,
    );
  if (keyStore !== undefined) {
    const { file, password } = keyStore(place);
    const context = `<sslContext><sslContext keyStore="file:${file}" keyStorePassword="${password}"/></sslContext>`;
    const connector = `<transportConnector name="stomp-tls" uri="stomp+ssl://127.0.0.1:${place.ports[1]}"/>`;
    text = text.replace('<!-- sslContext -->', context).replace('<!-- transportConnector -->', connector);
  }
  return text;
}

function authentication(users: Readonly<Record<string, string>>): string {
  const lines = Object.entries(users).map(
    ([name, password]) => `<authenticationUser username="${name}" password="${password}" groups="users"/>`,
  );
  return `<simpleAuthenticationPlugin><users>${lines.join('')}</users></simpleAuthenticationPlugin>`;
}

function authorization(allowedQueues: string | undefined): string {
  if (allowedQueues === undefined) return '';
  const entries = [`queue="${allowedQueues}"`, 'topic=">"'].map(
    (what) => `<authorizationEntry ${what} read="users" write="users" admin="users"/>`,
  );
  const map = `<authorizationMap><authorizationEntries>${entries.join('')}</authorizationEntries></authorizationMap>`;
  return `<authorizationPlugin><map>${map}</map></authorizationPlugin>`;
}
