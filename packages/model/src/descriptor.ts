import { AepError } from '@aep/kernel';
import { isName } from './values.js';

/** E90: `provider://address[:port][/path][?key=value&key=value]` in its parts. */
export interface BusDescriptor {
  readonly provider: string;
  /** Empty when there is none, as in `loopback://`. */
  readonly address: string;
  readonly port: number | null;
  /** With its leading slash; empty when there is none. */
  readonly path: string;
  /** Settings after the `?`, decoded. Has no prototype. */
  readonly parameters: Readonly<Record<string, string>>;
}

const DESCRIPTOR_LENGTH_MAX = 4096;
const PARTS = /^([^:/?]+):\/\/(\[[0-9A-Fa-f:.]+\]|[^:/?[\]@\s]*)(?::([^/?]*))?(\/[^?]*)?(?:\?(.*))?$/s;
const CREDENTIALS = /^[^/?]*:\/\/[^/?]*@/;

/**
 * Reads a bus descriptor (E90). IPv6 addresses stand in brackets; keys and values after the `?` may be percent-encoded.
 * Credentials do not belong in a descriptor, as descriptors are printed and logged: they are properties of the bus.
 *
 * @throws AepError AEP_MODEL_DESCRIPTOR (reject): what is wrong and what was expected
 * @example parseBusDescriptor('activemq://broker:61613/queues?heartbeatMs=5000').port // 61613
 */
export function parseBusDescriptor(text: string): BusDescriptor {
  if (text.length > DESCRIPTOR_LENGTH_MAX) throw problem(text, `is longer than ${DESCRIPTOR_LENGTH_MAX} characters`);
  if (CREDENTIALS.test(text)) throw problem(text, 'has credentials in it; make them properties of the bus');
  const match = PARTS.exec(text);
  if (match === null) {
    throw problem(
      text,
      text.includes('://') ? 'has an address that cannot be read' : 'has no "://" after the provider',
    );
  }
  const [, provider = '', address = '', port, path = '', query] = match;
  if (!isName(provider)) throw problem(text, `has ${JSON.stringify(provider)} as provider, which is not a name`);
  if (port !== undefined && address === '') throw problem(text, 'has a port without an address');
  return Object.freeze({
    provider,
    address,
    port: port === undefined ? null : readPort(text, port),
    path: path === '/' ? '' : path,
    parameters: readParameters(text, query),
  });
}

/** The descriptor as text; the parameters are left out, because they may be secret. */
export function formatBusDescriptor(descriptor: Omit<BusDescriptor, 'parameters'>): string {
  const port = descriptor.port === null ? '' : `:${descriptor.port}`;
  return `${descriptor.provider}://${descriptor.address}${port}${descriptor.path}`;
}

function readPort(text: string, port: string): number {
  const value = /^\d{1,5}$/.test(port) ? Number(port) : 0;
  if (value < 1 || value > 65_535)
    throw problem(text, `has the port ${JSON.stringify(port)}, which is not in 1..65535`);
  return value;
}

function readParameters(text: string, query: string | undefined): Readonly<Record<string, string>> {
  const parameters = Object.create(null) as Record<string, string>;
  if (query === undefined || query === '') return Object.freeze(parameters);
  for (const pair of query.split('&')) {
    const equals = pair.indexOf('=');
    if (equals < 1) throw problem(text, `has ${JSON.stringify(pair)} after the "?", which is not key=value`);
    const key = decode(text, pair.slice(0, equals));
    if (key === '__proto__' || Object.hasOwn(parameters, key))
      throw problem(text, `has the parameter ${JSON.stringify(key)} twice, or may not have it`);
    parameters[key] = decode(text, pair.slice(equals + 1));
  }
  return Object.freeze(parameters);
}

function decode(text: string, encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw problem(text, `has ${JSON.stringify(encoded)} after the "?", which is not percent-encoded text`);
  }
}

function problem(text: string, what: string): AepError {
  // What stands after the "?" or before an "@" may be a password.
  const shown = text.replace(/\?.*$/s, '?…').replace(CREDENTIALS, '…@').slice(0, 200);
  return new AepError(
    'AEP_MODEL_DESCRIPTOR',
    'reject',
    `the descriptor ${JSON.stringify(shown)} ${what}; expected provider://address[:port][/path][?key=value&key=value]`,
    { descriptor: shown },
  );
}
