import { AepError } from '@aep/kernel';

export interface NetAddress {
  /** Name or IP address, without brackets. */
  readonly host: string;
  /** 0 means any free one, when listening. */
  readonly port: number;
}

const ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/@]+)):(\d{1,5})$/;

/** `host:port` or `[ipv6]:port`. @throws AEP_NET_ADDRESS_INVALID (reject) */
export function parseAddress(text: string): NetAddress {
  const match = ADDRESS.exec(text.trim());
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) {
    const shown = text.slice(0, 200);
    throw new AepError(
      'AEP_NET_ADDRESS_INVALID',
      'reject',
      `address "${shown}": expected host:port with a port in 0..65535`,
      { address: shown },
    );
  }
  return { host: match[1] ?? match[2]!, port };
}

export function formatAddress(address: NetAddress): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}

/** Only processes of this machine reach it. Names other than `localhost` may resolve to anything, so they do not count. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
