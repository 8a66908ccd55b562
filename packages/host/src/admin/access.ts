import { createHash, timingSafeEqual } from 'node:crypto';
import { AepError } from '@aep/kernel';
import { isLoopbackHost } from '@aep/net';

export interface AdminAddress {
  readonly address: string;
  readonly port: number;
  /** Null: no token is asked for. */
  readonly token: string | null;
}

/** What a request says about itself. */
export interface RequestHeaders {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
  readonly authorization?: string | undefined;
}

const TOKEN_LENGTH_MIN = 16;

/**
 * The admin server changes things: on a network it asks who is calling.
 *
 * @throws AEP_ADMIN_ADDRESS_UNSAFE, AEP_ADMIN_TOKEN_WEAK (reject)
 */
export function checkAddress({ address, token }: AdminAddress): void {
  if (token === null) {
    if (isLoopbackHost(address)) return;
    throw new AepError(
      'AEP_ADMIN_ADDRESS_UNSAFE',
      'reject',
      `the admin server would listen on ${address} without a token: set admin.token, or the address 127.0.0.1`,
      { address },
    );
  }
  if (token.length >= TOKEN_LENGTH_MIN) return;
  throw new AepError(
    'AEP_ADMIN_TOKEN_WEAK',
    'reject',
    `admin.token has ${token.length} characters; at least ${TOKEN_LENGTH_MIN} are needed, better 32 random ones`,
    {},
  );
}

/**
 * Who may call. Three checks, each against another way in:
 * - `Host` is an address, `localhost` or the configured name: a page whose name was made to point here (DNS rebinding) has another one.
 * - `Origin`, when a browser sends one, is this server: other pages may not post here.
 * - the token, when there is one.
 */
export class Access {
  private readonly expected: Buffer | undefined;

  constructor(private readonly options: AdminAddress) {
    this.expected = options.token === null ? undefined : digest(options.token);
  }

  /** @throws AEP_ADMIN_HOST_REFUSED, AEP_ADMIN_ORIGIN_REFUSED (reject) */
  checkPlace({ host = '', origin }: RequestHeaders): void {
    if (!this.isOwnName(hostName(host))) {
      throw new AepError(
        'AEP_ADMIN_HOST_REFUSED',
        'reject',
        'the Host header is neither an address nor the name of this server: call it by its address, or by localhost',
        {},
      );
    }
    if (origin === undefined || origin === `http://${host}`) return;
    throw new AepError(
      'AEP_ADMIN_ORIGIN_REFUSED',
      'reject',
      'pages of other origins may not call the admin server',
      {},
    );
  }

  /** @throws AEP_ADMIN_UNAUTHORIZED (reject) */
  checkToken({ authorization = '' }: RequestHeaders): void {
    if (this.expected === undefined) return;
    const shown = /^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '';
    // Digests have one length, so the comparison tells nothing about the token, its length included.
    if (timingSafeEqual(digest(shown), this.expected)) return;
    throw new AepError(
      'AEP_ADMIN_UNAUTHORIZED',
      'reject',
      'this needs "Authorization: Bearer <token>" with the token of the xvm\'s admin part',
      {},
    );
  }

  private isOwnName(name: string): boolean {
    const isAddress = /^\d{1,3}(?:\.\d{1,3}){3}$/.test(name) || name.startsWith('[');
    return isAddress || name === 'localhost' || name === this.options.address.toLowerCase();
  }
}

function hostName(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
