import { Socket, type TcpNetConnectOpts } from 'node:net';

/**
 * Lets connections of this process to some ports go to others: a member announces the address that it listens at, so a proxy
 * before it can only be put in by whoever connects. `ports` is `from>to,from>to`.
 */
export function rerouteConnections(ports: string): void {
  const routes = new Map(ports.split(',').map((route) => route.split('>').map(Number) as [number, number]));
  const original: (this: Socket, ...args: never[]) => Socket =
    // oxlint-disable-next-line typescript/unbound-method -- called with its socket below
    Socket.prototype.connect;
  Socket.prototype.connect = function (this: Socket, ...args: readonly unknown[]): Socket {
    const [first] = args;
    // `net.connect` hands over its arguments as one list.
    const options = (Array.isArray(first) ? first[0] : first) as TcpNetConnectOpts;
    options.port = routes.get(options.port) ?? options.port;
    return original.call(this, ...(args as never[]));
  };
}
