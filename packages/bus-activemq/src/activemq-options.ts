import { readFileSync } from 'node:fs';
import { type Clock, type Log, type Random, toError } from '@aep/kernel';
import type { BindingOptions, BusDescription } from '@aep/bus';
import { descriptorInvalid, integerProperty } from '@aep/bus/internal';
import { isLoopbackHost, type NetAddress, type Network, parseAddress, type TlsOptions } from '@aep/net';
import type { StompLimits } from './stomp/stomp-frame.js';

/** What the provider has from its process. */
export interface ActiveMqEnvironment {
  readonly plain: Network;
  readonly encrypted: (options: TlsOptions) => Network;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** Options of one binding, concluded: everything that its parts need, with defaults filled in. */
export interface ActiveMqOptions {
  readonly bus: BusDescription;
  readonly app: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly network: Network;
  /** Tried in turn. */
  readonly addresses: readonly NetAddress[];
  readonly host: string;
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Of the connection that receives: what the broker tells durable subscriptions apart by. */
  readonly clientId: string;
  readonly flavor: 'classic' | 'artemis';
  /** How the Guaranteed topics of apps in the roster are kept. */
  readonly subscriptions: 'virtual' | 'durable';
  readonly ensureSubscriptions: boolean;
  readonly limits: StompLimits;
  readonly unconfirmedMax: number;
  readonly prefetch: number;
  readonly pendingMax: number;
  readonly batchMessages: number;
  readonly batchBytes: number;
  readonly commitsInFlight: number;
  readonly heartbeatMs: number;
  readonly connectMs: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
}

const STOMP_PORT = 61_613;
const STOMP_TLS_PORT = 61_614;
const ADDRESSES_MAX = 16;
/** Command, metadata, key, and what the broker adds. */
const HEAD_BYTES_MAX = 65_536;
const HEADER_COUNT_MAX = 256;

/** Checks the bus description and fills in defaults; connects to nothing. @throws AEP_BUS_DESCRIPTOR_INVALID (reject) */
export function concludeActiveMqOptions(options: BindingOptions, environment: ActiveMqEnvironment): ActiveMqOptions {
  const { bus, app } = options;
  const isEncrypted = choice(bus, 'tls', ['false', 'true']) === 'true';
  const addresses = addressesOf(bus, isEncrypted ? STOMP_TLS_PORT : STOMP_PORT);
  const number = (name: string, min: number, max: number, defaultValue: number): number =>
    integerProperty(bus, { name, min, max, defaultValue });
  const reconnectMinMs = number('reconnectMinMs', 1, 3_600_000, 50);
  const { user, password } = credentialsOf(bus, environment);
  const log = options.log.child({ bus: bus.name, app });
  if (password !== undefined && !isEncrypted && addresses.some(({ host }) => !isLoopbackHost(host))) {
    log.log('warn', 'the password is sent to another machine in the clear: set the property "tls" of the bus');
  }
  return Object.freeze({
    bus,
    app,
    clock: options.clock,
    random: options.random,
    log,
    network: isEncrypted ? environment.encrypted(tlsOf(bus)) : environment.plain,
    addresses,
    host: property(bus, 'host') ?? addresses[0]!.host,
    user,
    password,
    clientId: property(bus, 'clientId') ?? `aep.${bus.name}.${app}`,
    flavor: choice(bus, 'flavor', ['classic', 'artemis']),
    subscriptions: choice(bus, 'subscriptions', ['virtual', 'durable']),
    ensureSubscriptions: choice(bus, 'ensureSubscriptions', ['true', 'false']) === 'true',
    limits: {
      headBytesMax: HEAD_BYTES_MAX,
      headerCountMax: HEADER_COUNT_MAX,
      bodyBytesMax: options.messageBytesMax,
    },
    unconfirmedMax: options.unconfirmedMax,
    prefetch: Math.min(number('prefetch', 1, 65_535, 2000), options.unacknowledgedMax),
    pendingMax: number('pendingMax', 1, 10_000_000, 65_536),
    batchMessages: number('batchMessages', 1, 10_000, 1000),
    batchBytes: number('batchBytes', 1, 2 ** 30, 1_048_576),
    commitsInFlight: number('commitsInFlight', 1, 100, 2),
    heartbeatMs: number('heartbeatMs', 0, 3_600_000, 5000),
    connectMs: number('connectMs', 10, 3_600_000, 10_000),
    reconnectMinMs,
    reconnectMaxMs: number('reconnectMaxMs', reconnectMinMs, 3_600_000, Math.max(reconnectMinMs, 2000)),
  });
}

export function property(bus: Pick<BusDescription, 'properties'>, name: string): string | undefined {
  return Object.hasOwn(bus.properties, name) ? bus.properties[name] : undefined;
}

/** One of a few words; the first one is the default. */
function choice<T extends string>(bus: BusDescription, name: string, words: readonly T[]): T {
  const text = property(bus, name);
  const found = text === undefined ? words[0] : words.find((word) => word === text);
  if (found !== undefined) return found;
  throw descriptorInvalid(bus, `property "${name}": expected ${words.join(' or ')}, got "${text!.slice(0, 80)}"`);
}

function addressesOf(bus: BusDescription, defaultPort: number): readonly NetAddress[] {
  const first = { host: bus.address === '' ? '127.0.0.1' : bus.address, port: bus.port === 0 ? defaultPort : bus.port };
  const more = property(bus, 'failover');
  const parts = more === undefined ? [] : more.split(',');
  if (parts.length > ADDRESSES_MAX)
    throw descriptorInvalid(bus, `property "failover": more than ${ADDRESSES_MAX} addresses`);
  return [first, ...parts.map((part) => addressIn(bus, part))];
}

function addressIn(bus: BusDescription, text: string): NetAddress {
  try {
    return parseAddress(text);
  } catch (error) {
    throw descriptorInvalid(bus, `property "failover": ${toError(error).message}`);
  }
}

/** Values come from the bus or from the environment, and are in no message and no log. */
function credentialsOf(
  bus: BusDescription,
  environment: ActiveMqEnvironment,
): { readonly user: string | undefined; readonly password: string | undefined } {
  const user = secretOf(bus, environment, 'user');
  const password = secretOf(bus, environment, 'password');
  if (password !== undefined && user === undefined) {
    throw descriptorInvalid(bus, 'there is a password, so property "user" or "userEnv" must say whose');
  }
  // They stand unescaped in a line of the CONNECT frame.
  for (const [name, value] of Object.entries({ user, password })) {
    // oxlint-disable-next-line no-control-regex -- that is what is looked for
    if (value !== undefined && /[\0\r\n]/.test(value))
      throw descriptorInvalid(bus, `the ${name} has a line end or a zero character in it`);
  }
  return { user, password };
}

function secretOf(bus: BusDescription, environment: ActiveMqEnvironment, name: string): string | undefined {
  const value = property(bus, name);
  const variable = property(bus, `${name}Env`);
  if (variable === undefined) return value;
  if (value !== undefined) throw descriptorInvalid(bus, `properties "${name}" and "${name}Env" exclude each other`);
  const found = Object.hasOwn(environment.variables, variable) ? environment.variables[variable] : undefined;
  if (found === undefined)
    throw descriptorInvalid(bus, `property "${name}Env": the environment has no variable ${variable}`);
  return found;
}

function tlsOf(bus: BusDescription): TlsOptions {
  const serverName = property(bus, 'serverName');
  const [ca, cert, key] = (['caFile', 'certFile', 'keyFile'] as const).map((name) => fileOf(bus, name));
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

function fileOf(bus: BusDescription, name: string): string | undefined {
  const path = property(bus, name);
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw descriptorInvalid(bus, `property "${name}": ${toError(error).message}`);
  }
}
