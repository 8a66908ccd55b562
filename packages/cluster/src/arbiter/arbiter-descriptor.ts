import { AepError, didYouMean } from '@aep/kernel';

/** `embedded:///path`: members on one host. */
export interface EmbeddedDescriptor {
  readonly kind: 'embedded';
  readonly path: string;
}

/** `etcd://host:port,host:port/prefix`, or `etcds://…` over TLS. */
export interface EtcdDescriptor {
  readonly kind: 'etcd';
  /** `http://host:port` or `https://host:port`. */
  readonly endpoints: readonly string[];
  readonly prefix: string;
  readonly user: string | undefined;
  /** Files, read when the arbiter is opened: secrets do not stand in a descriptor, which is printed and logged. */
  readonly passwordFile: string | undefined;
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

export type ArbiterDescriptor = EmbeddedDescriptor | EtcdDescriptor;

const LENGTH_MAX = 4_096;
const ENDPOINTS_MAX = 16;
const DEFAULT_PORT = '2379';
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$/;
const SETTINGS = ['user', 'passwordFile', 'ca', 'cert', 'key'] as const;
type Setting = (typeof SETTINGS)[number];

/**
 * Reads the descriptor of an arbiter (M5).
 *
 * - `embedded:///var/lib/aep/arbiter`: a directory on a local disk that all members can write; `embedded://data/arbiter` is
 *   relative to where the process was started.
 * - `etcd://host:2379,host2:2379/prefix?user=aep&passwordFile=/etc/aep/etcd`; the port is 2379 and the prefix /aep when missing.
 * - `etcds://…?ca=ca.pem&cert=member.pem&key=member.key`: over TLS.
 *
 * @throws AEP_ARBITER_DESCRIPTOR saying what is wrong and what was expected
 */
export function parseArbiterDescriptor(text: string): ArbiterDescriptor {
  if (text.length > LENGTH_MAX) throw problem(text, `is longer than ${LENGTH_MAX} characters`);
  const match = /^([A-Za-z]+):\/\/(.*)$/s.exec(text);
  if (match === null) throw problem(text, 'has no "://" after the kind of arbiter');
  const [, kind = '', rest = ''] = match;
  if (kind === 'embedded') return embedded(text, rest);
  if (kind === 'etcd' || kind === 'etcds') return etcd(text, rest, kind === 'etcds');
  throw problem(
    text,
    `has ${JSON.stringify(kind)} as its kind, which is not known${didYouMean(kind, ['embedded', 'etcd', 'etcds'])}`,
  );
}

function embedded(text: string, path: string): EmbeddedDescriptor {
  if (path === '') throw problem(text, 'names no directory');
  if (path.includes('\0') || path.includes('?')) throw problem(text, 'has a directory that cannot be one');
  return Object.freeze({ kind: 'embedded', path });
}

function etcd(text: string, rest: string, isSecure: boolean): EtcdDescriptor {
  const [, hosts = '', path = '', query = ''] = /^([^/?]*)(\/[^?]*)?(?:\?(.*))?$/s.exec(rest) ?? [];
  if (hosts.includes('@')) throw problem(text, 'has credentials in it; give user and passwordFile after the "?"');
  const endpoints = hosts.split(',').map((host) => endpoint(text, host, isSecure));
  if (endpoints.length > ENDPOINTS_MAX) throw problem(text, `names more than ${ENDPOINTS_MAX} hosts`);
  const settings = readSettings(text, query);
  const usesTls = settings.ca !== undefined || settings.cert !== undefined || settings.key !== undefined;
  if (usesTls && !isSecure) throw problem(text, 'has certificates but is not "etcds://"');
  if ((settings.cert === undefined) !== (settings.key === undefined))
    throw problem(text, 'has only one of cert and key');
  if ((settings.user === undefined) !== (settings.passwordFile === undefined))
    throw problem(text, 'has only one of user and passwordFile');
  return Object.freeze({
    kind: 'etcd',
    endpoints: Object.freeze(endpoints),
    prefix: path.replace(/\/+$/, '') || '/aep',
    user: settings.user,
    passwordFile: settings.passwordFile,
    caFile: settings.ca,
    certFile: settings.cert,
    keyFile: settings.key,
  });
}

function endpoint(text: string, host: string, isSecure: boolean): string {
  const [, name = '', port = DEFAULT_PORT] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(host) ?? [];
  if (!HOST.test(name)) throw problem(text, `has ${JSON.stringify(name)} as a host, which is not one`);
  const number = /^\d{1,5}$/.test(port) ? Number(port) : 0;
  if (number < 1 || number > 65_535)
    throw problem(text, `has the port ${JSON.stringify(port)}, which is not in 1..65535`);
  return `${isSecure ? 'https' : 'http'}://${name}:${number}`;
}

function readSettings(text: string, query: string): Partial<Record<Setting, string>> {
  const settings: Partial<Record<Setting, string>> = {};
  for (const pair of query === '' ? [] : query.split('&')) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, equals));
    if (!isSetting(name))
      throw problem(text, `has ${JSON.stringify(name)} after the "?", which is not known${didYouMean(name, SETTINGS)}`);
    if (settings[name] !== undefined) throw problem(text, `has ${name} twice`);
    settings[name] = decode(text, pair.slice(equals + 1));
  }
  return settings;
}

function isSetting(name: string): name is Setting {
  return (SETTINGS as readonly string[]).includes(name);
}

function decode(text: string, encoded: string): string {
  try {
    const value = decodeURIComponent(encoded);
    if (value !== '') return value;
  } catch {
    // said below, as an empty value is
  }
  throw problem(text, 'has a setting after the "?" that is empty or not percent-encoded');
}

function problem(text: string, what: string): AepError {
  // Somebody may have written a password in it.
  const shown = text
    .replace(/\?.*$/s, '?…')
    .replace(/:\/\/[^/]*@/s, '://…@')
    .slice(0, 200);
  return new AepError(
    'AEP_ARBITER_DESCRIPTOR',
    'reject',
    `the arbiter ${JSON.stringify(shown)} ${what}; expected embedded:///directory or etcd://host:port,host:port/prefix`,
    { descriptor: shown },
  );
}
