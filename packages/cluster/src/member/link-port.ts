import { AepError } from '@aep/kernel';
import { formatAddress, type Link, type LinkHandler, type Listener, type NetAddress, parseAddress } from '@aep/net';
import { type Admission, DownstreamConnection, type DownstreamHandler } from '../link/downstream.js';
import type { Hello, Welcome } from '../link/handshake.js';
import type { MemberContext } from './context.js';
import { notPrimary } from './member-errors.js';

export interface LinkPortParts {
  /** The role that takes followers; undefined when this member is not the primary. */
  readonly admission: () => Admission | undefined;
  /** The highest epoch that this member knows of, for those who are behind. */
  readonly epoch: () => number;
  readonly onListening: (address: string) => void;
  readonly onFailed: (cause: AepError) => void;
}

/** Where the other members connect to. It listens in every role, so that a member that asks the wrong one is told so (H13). */
export class LinkPort implements Admission {
  private listener: Listener | undefined;
  private readonly connections = new Set<DownstreamConnection>();

  constructor(
    private readonly context: MemberContext,
    private readonly parts: LinkPortParts,
  ) {}

  listen(): void {
    const address = parseAddress(this.context.options.address);
    this.listener = this.context.network.listen(address, {
      onListening: (bound: NetAddress) => this.parts.onListening(formatAddress(bound)),
      onLink: (link) => this.onLink(link),
      onFailed: (cause) => this.parts.onFailed(cause),
      onRefused: (cause) => this.context.log.log('warn', 'a connection to the link was refused', {}, cause),
    });
  }

  close(cause: AepError, done: () => void): void {
    for (const connection of this.connections) connection.end(cause);
    if (this.listener === undefined) this.context.clock.defer(done);
    else this.listener.close(done);
  }

  welcome(hello: Hello): Omit<Welcome, 'proof'> {
    const { options } = this.context;
    if (hello.group !== options.group) {
      throw new AepError(
        'AEP_LINK_OTHER_GROUP',
        'retry',
        `this is a member of group ${options.group}, not of ${hello.group.slice(0, 100)}: check the addresses`,
        { group: options.group, otherGroup: hello.group.slice(0, 100) },
      );
    }
    if (hello.member === options.name) {
      throw new AepError(
        'AEP_LINK_SAME_NAME',
        'retry',
        `two members of group ${options.group} have the name ${hello.member}: give each a name of its own`,
        { member: hello.member },
      );
    }
    return this.current().welcome(hello);
  }

  join(hello: Hello, connection: DownstreamConnection): DownstreamHandler {
    return this.current().join(hello, connection);
  }

  private current(): Admission {
    const admission = this.parts.admission();
    if (admission === undefined) throw notPrimary(this.context.options.name, this.parts.epoch());
    return admission;
  }

  private onLink(link: Link): LinkHandler {
    const { clock, options } = this.context;
    const connection = new DownstreamConnection(
      { clock, times: options.limits, epoch: this.parts.epoch },
      {
        secret: options.secret,
        admission: this,
        onGone: (gone) => void this.connections.delete(gone),
      },
    );
    connection.attach(link);
    // Strangers must not use up this process: a member has one link, and a few that are ending.
    if (this.connections.size >= options.limits.linksMax) connection.end(tooMany(options.limits.linksMax));
    else this.connections.add(connection);
    return connection;
  }
}

function tooMany(linksMax: number): AepError {
  return new AepError('AEP_LINK_TOO_MANY', 'retry', `${linksMax} links are open at this member already`, { linksMax });
}
