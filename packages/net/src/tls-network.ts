import { connect, createSecureContext, createServer, type TLSSocket } from 'node:tls';
import { AepError, toError } from '@aep/kernel';
import { formatAddress, type NetAddress } from './net-address.js';
import type { Link, LinkHandler, Listener, ListenHandler, Network } from './network.js';
import { boundAddress, listenFailed, TcpLink } from './tcp-network.js';

/** Certificates and keys as PEM. The certificate of the other side is always checked. */
export interface TlsOptions {
  /** Who may have signed it. @default the authorities that Node.js knows */
  readonly ca?: string;
  /** Our own certificate and key, where the other side asks for them. */
  readonly cert?: string;
  readonly key?: string;
  /** The name that its certificate must have. @default the host of the address */
  readonly serverName?: string;
  /** From an accepted connection to the end of its handshake. @default 5000 ms */
  readonly handshakeMs?: number;
}

/**
 * TLS. With `cert`, `key` and `ca` it also listens: TLS 1.3, and only for peers whose certificate that authority has signed. One
 * without, of another authority or expired, does not get as far as a link.
 */
export class TlsNetwork implements Network {
  /** @throws AEP_NET_CERTIFICATE_INVALID (reject) what is given is not PEM, or certificate and key do not belong together */
  constructor(private readonly options: TlsOptions = {}) {
    const { ca, cert, key } = options;
    try {
      createSecureContext({ ca, cert, key });
    } catch (thrown) {
      throw new AepError(
        'AEP_NET_CERTIFICATE_INVALID',
        'reject',
        `authority, certificate and key cannot be used (${toError(thrown).message}): each must be PEM, and the key that of the certificate`,
        {},
        thrown,
      );
    }
  }

  get isMutual(): boolean {
    const { ca, cert, key } = this.options;
    return ca !== undefined && cert !== undefined && key !== undefined;
  }

  listen(address: NetAddress, handler: ListenHandler): Listener {
    const { ca, cert, key, handshakeMs: handshakeTimeout = 5_000 } = this.options;
    const text = formatAddress(address);
    // Without an authority of our own, anybody with a certificate of a public one would be let in.
    if (ca === undefined || cert === undefined || key === undefined) {
      throw new AepError(
        'AEP_NET_LISTEN_FAILED',
        'reject',
        `cannot listen at ${text}: TLS needs a certificate, its key and the authority of those who connect`,
        { address: text },
      );
    }
    const identity = { ca, cert, key, requestCert: true, rejectUnauthorized: true };
    const server = createServer({ ...identity, minVersion: 'TLSv1.3', handshakeTimeout, noDelay: true });
    server.on('secureConnection', (socket) => {
      const link = new TcpLink(socket);
      link.start(handler.onLink(link));
    });
    // A handshake that failed or took too long: Node.js tells, and leaves the socket open.
    server.on('tlsClientError', (error, socket) => {
      handler.onRefused?.(refused(error, socket));
      socket.destroy();
    });
    server.on('listening', () => handler.onListening(boundAddress(server, address)));
    server.on('error', (error) => handler.onFailed(listenFailed(address, error)));
    server.listen({ host: address.host, port: address.port });
    return { close: (done) => void server.close(() => done()) };
  }

  connect(address: NetAddress, handler: LinkHandler): Link {
    const { serverName = address.host, ca, cert, key } = this.options;
    const socket = connect({
      host: address.host,
      port: address.port,
      rejectUnauthorized: true,
      // An IP address is no server name (RFC 6066), but the certificate is checked for it.
      ...(/^[\d.]+$|:/.test(serverName) ? {} : { servername: serverName }),
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
    socket.setNoDelay(true);
    const link = new TcpLink(socket, address, 'secureConnect');
    link.start(handler);
    socket.once('secureConnect', () => handler.onOpen());
    return link;
  }
}

function refused(error: Error, socket: TLSSocket): AepError {
  // Of a certificate that is not accepted Node.js says only that the socket was closed; the socket says why.
  const reason = (socket.authorizationError as unknown as string | null) ?? error.message;
  const remote = formatAddress({ host: socket.remoteAddress ?? 'unknown', port: socket.remotePort ?? 0 });
  return new AepError(
    'AEP_NET_HANDSHAKE_FAILED',
    'retry',
    `a connection from ${remote} was refused, because its TLS handshake failed: ${reason}`,
    { remote, reason },
    error,
  );
}
