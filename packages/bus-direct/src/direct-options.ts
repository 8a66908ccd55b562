import { AepError, type Clock, type Log, type Random } from '@aep/kernel';
import type { BindingOptions, BusDescription } from '@aep/bus';
import { descriptorInvalid, integerProperty } from '@aep/bus/internal';
import { formatAddress, isLoopbackHost, type NetAddress, type Network, parseAddress } from '@aep/net';
import { MESSAGE_OVERHEAD_BYTES } from './protocol.js';

/** What the provider has from its process. */
export interface DirectEnvironment {
  readonly network: Network;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Unpredictable bytes for challenges. */
  readonly randomBytes: (count: number) => Uint8Array;
}

/** Options of one binding, concluded: everything that the parts of the binding need, with defaults filled in. */
export interface DirectOptions {
  readonly bus: BusDescription;
  readonly app: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly network: Network;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly secret: string | undefined;
  /** Where this app listens: the first one that is free. Empty when it only sends. */
  readonly listenAddresses: readonly NetAddress[];
  /** Where each subscriber of the roster listens; tried in turn. */
  readonly peers: ReadonlyMap<string, readonly NetAddress[]>;
  readonly messageBytesMax: number;
  readonly frameBytesMax: number;
  readonly queueMax: number;
  readonly windowMessages: number;
  readonly windowBytes: number;
  readonly connectionsMax: number;
  readonly heartbeatMs: number;
  readonly silenceMs: number;
  readonly handshakeMs: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
}

const SECRET_LENGTH_MIN = 16;
const ADDRESSES_MAX = 16;

/** Checks the bus description and fills in defaults; connects to nothing. @throws AEP_BUS_DESCRIPTOR_INVALID, AEP_DIRECT_INSECURE_ADDRESS (reject) */
export function concludeDirectOptions(options: BindingOptions, environment: DirectEnvironment): DirectOptions {
  const { bus, app, messageBytesMax } = options;
  const secret = findSecret(bus, environment);
  const peers = new Map<string, readonly NetAddress[]>();
  for (const { app: subscriber } of bus.roster) {
    if (!peers.has(subscriber)) peers.set(subscriber, addressesOf(bus, subscriber, secret));
  }
  const listenAddresses = Object.hasOwn(bus.properties, `peer.${app}`) ? addressesOf(bus, app, secret) : [];
  const number = (name: string, min: number, max: number, defaultValue: number): number =>
    integerProperty(bus, { name, min, max, defaultValue });
  const heartbeatMs = number('heartbeatMs', 10, 3_600_000, 1000);
  const reconnectMinMs = number('reconnectMinMs', 1, 3_600_000, 25);
  return Object.freeze({
    bus,
    app,
    clock: options.clock,
    random: options.random,
    log: options.log.child({ bus: bus.name, app }),
    network: environment.network,
    randomBytes: environment.randomBytes,
    secret,
    listenAddresses,
    peers,
    messageBytesMax,
    frameBytesMax: messageBytesMax + MESSAGE_OVERHEAD_BYTES,
    queueMax: number('queueMax', 1, 10_000_000, 65_536),
    windowMessages: number('windowMessages', 1, 1_000_000, 8192),
    windowBytes: number('windowBytes', 1024, 2 ** 31 - 1, 8_388_608),
    connectionsMax: number('connectionsMax', 1, 100_000, 256),
    heartbeatMs,
    silenceMs: number('silenceMs', heartbeatMs, 86_400_000, heartbeatMs * 5),
    handshakeMs: number('handshakeMs', 10, 3_600_000, 5000),
    reconnectMinMs,
    reconnectMaxMs: number('reconnectMaxMs', reconnectMinMs, 3_600_000, Math.max(reconnectMinMs, 1000)),
  });
}

/** `secretEnv` names the variable that holds it, so that no file has to. Its value is in no message and no log. */
function findSecret(bus: BusDescription, environment: DirectEnvironment): string | undefined {
  const { properties } = bus;
  const variable = Object.hasOwn(properties, 'secretEnv') ? properties['secretEnv'] : undefined;
  let secret = Object.hasOwn(properties, 'secret') ? properties['secret'] : undefined;
  if (variable !== undefined) {
    if (secret !== undefined) throw descriptorInvalid(bus, 'properties "secret" and "secretEnv" exclude each other');
    secret = Object.hasOwn(environment.variables, variable) ? environment.variables[variable] : undefined;
    if (secret === undefined)
      throw descriptorInvalid(bus, `property "secretEnv": the environment has no variable ${variable}`);
  }
  if (secret !== undefined && secret.length < SECRET_LENGTH_MIN) {
    throw descriptorInvalid(bus, `the secret has fewer than ${SECRET_LENGTH_MIN} characters`);
  }
  return secret;
}

function addressesOf(bus: BusDescription, app: string, secret: string | undefined): readonly NetAddress[] {
  const name = `peer.${app}`;
  const text = Object.hasOwn(bus.properties, name) ? bus.properties[name]! : undefined;
  if (text === undefined) {
    throw descriptorInvalid(
      bus,
      `app "${app}" joins a channel, so property "${name}" must say where it listens (host:port)`,
    );
  }
  const parts = text.split(',');
  if (parts.length > ADDRESSES_MAX)
    throw descriptorInvalid(bus, `property "${name}": more than ${ADDRESSES_MAX} addresses`);
  return parts.map((part) => {
    const address = addressIn(bus, name, part);
    if (secret === undefined && !isLoopbackHost(address.host)) throw insecure(bus, name, address);
    return address;
  });
}

function addressIn(bus: BusDescription, name: string, text: string): NetAddress {
  try {
    return parseAddress(text);
  } catch (error) {
    throw descriptorInvalid(bus, `property "${name}": ${error instanceof Error ? error.message : String(error)}`);
  }
}

function insecure(bus: BusDescription, name: string, address: NetAddress): AepError {
  const text = formatAddress(address);
  return new AepError(
    'AEP_DIRECT_INSECURE_ADDRESS',
    'reject',
    `bus "${bus.name}": property "${name}": ${text} can be reached from other machines, and the bus has no secret; ` +
      'set "secretEnv" (or "secret") on every member, or use 127.0.0.1',
    { bus: bus.name, address: text },
  );
}
