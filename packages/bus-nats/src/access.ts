import type { BusDescription } from '@aep/bus';
import { descriptorInvalid, integerProperty } from '@aep/bus/internal';

/** What proves to the server who we are. Its values are in no message and no log. */
export type Credentials =
  | { readonly kind: 'none' }
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  | { readonly kind: 'token'; readonly token: string }
  /** A `.creds` file of NATS: a JWT and the seed that signs the server's challenge. Read at each connect, so that it can be replaced. */
  | { readonly kind: 'file'; readonly file: string };

/** Paths of PEM files; read at each connect. */
export interface TlsFiles {
  /** Trusted instead of the system's authorities. */
  readonly caFile: string | undefined;
  readonly certFile: string | undefined;
  readonly keyFile: string | undefined;
}

/** Where the servers are and how to get in. */
export interface Access {
  /** `host:port`; tried in turn. */
  readonly servers: readonly string[];
  /** Shown by the server's monitoring. */
  readonly clientName: string;
  readonly credentials: Credentials;
  /** Undefined: plain TCP, unless the server insists. */
  readonly tls: TlsFiles | undefined;
  readonly inboxPrefix: string;
  readonly connectTimeoutMs: number;
  /** A ping so often; a server that leaves two unanswered is gone. */
  readonly pingMs: number;
}

type Variables = Readonly<Record<string, string | undefined>>;

const SERVERS_MAX = 32;
const DEFAULT_PORT = 4222;

/** @throws AEP_BUS_DESCRIPTOR_INVALID (reject) */
export function concludeAccess(bus: BusDescription, clientName: string, variables: Variables): Access {
  const number = (name: string, min: number, max: number, defaultValue: number): number =>
    integerProperty(bus, { name, min, max, defaultValue });
  const inboxPrefix = textOf(bus, 'inboxPrefix') ?? '_INBOX';
  if (!/^[^\s.*>]+(?:\.[^\s.*>]+)*$/.test(inboxPrefix))
    throw descriptorInvalid(bus, 'property "inboxPrefix": expected a subject');
  return {
    servers: serversOf(bus),
    clientName,
    credentials: credentialsOf(bus, variables),
    tls: tlsOf(bus),
    inboxPrefix,
    connectTimeoutMs: number('connectTimeoutMs', 10, 3_600_000, 5000),
    pingMs: number('pingMs', 100, 3_600_000, 5000),
  };
}

function serversOf(bus: BusDescription): readonly string[] {
  const own = bus.address === '' ? [] : [`${bus.address}:${bus.port === 0 ? DEFAULT_PORT : bus.port}`];
  const more = (textOf(bus, 'servers') ?? '').split(',').map((server) => server.trim());
  const servers = [...own, ...more.filter((server) => server !== '')];
  if (servers.length === 0 || servers.length > SERVERS_MAX) {
    throw descriptorInvalid(
      bus,
      `needs 1..${SERVERS_MAX} servers: an address, or the property "servers" (host:port,host:port)`,
    );
  }
  const wrong = servers.find((server) => !/^(?:[^\s:/@[\]]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}$/.test(server));
  if (wrong !== undefined) throw descriptorInvalid(bus, `server "${wrong.slice(0, 80)}": expected host:port`);
  return servers;
}

function credentialsOf(bus: BusDescription, variables: Variables): Credentials {
  const user = secretOf(bus, 'user', variables);
  const password = secretOf(bus, 'password', variables);
  const token = secretOf(bus, 'token', variables);
  const file = secretOf(bus, 'credsFile', variables);
  if ([user, token, file].filter((given) => given !== undefined).length > 1) {
    throw descriptorInvalid(bus, 'properties "user", "token" and "credsFile" exclude each other');
  }
  if (password !== undefined && user === undefined) throw descriptorInvalid(bus, 'property "password" needs a "user"');
  if (user !== undefined) return { kind: 'password', user, password: password ?? '' };
  if (token !== undefined) return { kind: 'token', token };
  return file === undefined ? { kind: 'none' } : { kind: 'file', file };
}

/** `<name>Env` names the variable that holds it, so that no model has to. */
function secretOf(bus: BusDescription, name: string, variables: Variables): string | undefined {
  const value = textOf(bus, name);
  const variable = textOf(bus, `${name}Env`);
  if (variable === undefined) return value;
  if (value !== undefined) throw descriptorInvalid(bus, `properties "${name}" and "${name}Env" exclude each other`);
  const held = Object.hasOwn(variables, variable) ? variables[variable] : undefined;
  if (held === undefined)
    throw descriptorInvalid(bus, `property "${name}Env": the environment has no variable ${variable}`);
  return held;
}

function tlsOf(bus: BusDescription): TlsFiles | undefined {
  const files = {
    caFile: textOf(bus, 'tlsCaFile'),
    certFile: textOf(bus, 'tlsCertFile'),
    keyFile: textOf(bus, 'tlsKeyFile'),
  };
  const asked = textOf(bus, 'tls');
  if (asked !== undefined && asked !== 'true' && asked !== 'false') {
    throw descriptorInvalid(bus, `property "tls": expected true or false, got "${asked.slice(0, 80)}"`);
  }
  if ((files.certFile === undefined) !== (files.keyFile === undefined)) {
    throw descriptorInvalid(bus, 'properties "tlsCertFile" and "tlsKeyFile" need each other');
  }
  const isGiven = Object.values(files).some((file) => file !== undefined);
  if (asked === 'false' && isGiven) throw descriptorInvalid(bus, 'property "tls" is false, and there are TLS files');
  return asked === 'true' || isGiven ? files : undefined;
}

function textOf(bus: BusDescription, name: string): string | undefined {
  return Object.hasOwn(bus.properties, name) ? bus.properties[name] : undefined;
}
