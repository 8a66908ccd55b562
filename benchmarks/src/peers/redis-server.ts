import { freePort } from '../processes/child.js';
import { PeerServer } from './peer-server.js';

/** A Redis that syncs its log before it answers; in a directory of the case. */
export async function startRedis(directory: string): Promise<{ port: number; server: PeerServer } | string> {
  const port = await freePort();
  const settings = {
    port,
    bind: '127.0.0.1',
    dir: directory,
    appendonly: 'yes',
    appendfsync: 'always',
    save: '',
    // A rewrite of the log in the middle would be measured, too.
    'auto-aof-rewrite-percentage': 0,
    // BullMQ asks for it.
    'maxmemory-policy': 'noeviction',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const server = await PeerServer.start('redis-server', args, port);
  return typeof server === 'string' ? server : { port, server };
}
