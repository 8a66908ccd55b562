import { connect } from 'node:tls';
import { AepError } from '@aep/kernel';
import { formatAddress, type NetAddress } from './net-address.js';
import type { Link, LinkHandler, Listener, ListenHandler, Network } from './network.js';
import { TcpLink } from './tcp-network.js';

/** Certificates and keys as PEM. The certificate of the other side is always checked. */
export interface TlsOptions {
  /** Who may have signed it. @default the authorities that Node.js knows */
  readonly ca?: string;
  /** Our own certificate and key, where the other side asks for them. */
  readonly cert?: string;
  readonly key?: string;
  /** The name that its certificate must have. @default the host of the address */
  readonly serverName?: string;
}

/** TLS to servers; it does not listen. */
export class TlsNetwork implements Network {
  constructor(private readonly options: TlsOptions = {}) {}

  listen(address: NetAddress, _handler: ListenHandler): Listener {
    const text = formatAddress(address);
    throw new AepError('AEP_NET_LISTEN_FAILED', 'reject', `cannot listen at ${text}: this network only connects`, {
      address: text,
    });
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
