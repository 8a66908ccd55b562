import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AepError, SeededRandom, VirtualClock } from '@aep/kernel';
import { isLoopbackHost, type Link, type LinkHandler, MemoryNetwork, parseAddress } from '@aep/net';

function world() {
  const clock = new VirtualClock();
  const network = new MemoryNetwork({ clock, random: new SeededRandom(3), delayMs: 1 });
  const received: Record<string, number[]> = { a: [], b: [] };
  const closed: Record<string, string[]> = { a: [], b: [] };
  const links: Record<string, Link> = {};
  const handler = (name: string): LinkHandler => ({
    onOpen: () => {},
    onBytes: (bytes) => received[name]!.push(...bytes),
    onWritten: () => {},
    onClose: (cause) => closed[name]!.push(cause?.code ?? 'in order'),
  });
  network.node('b').listen(
    { host: 'b', port: 1 },
    {
      onListening: () => {},
      onFailed: (error) => assert.fail(error),
      onLink: (link) => {
        links['b'] = link;
        return handler('b');
      },
    },
  );
  clock.settle();
  const connect = (): void => void (links['a'] = network.node('a').connect({ host: 'b', port: 1 }, handler('a')));
  return { clock, network, received, closed, links, connect };
}

describe('the memory network', () => {
  it('holds one direction back and lets the other flow; nothing is lost when it opens again', () => {
    const { clock, network, received, links, connect } = world();
    connect();
    clock.advance(10);
    network.block('a', 'b');
    links['a']!.write(Uint8Array.of(1));
    links['b']!.write(Uint8Array.of(2));
    clock.advance(1000);
    assert.deepEqual(received, { a: [2], b: [] });
    network.unblock('a', 'b');
    clock.advance(10);
    assert.deepEqual(received, { a: [2], b: [1] });
  });

  it('lets connections hang while either direction is blocked', () => {
    const { clock, network, links, connect } = world();
    network.block('b', 'a');
    connect();
    clock.advance(3000);
    assert.equal(links['b'], undefined);
    network.unblock('b', 'a');
    clock.advance(1001);
    assert.notEqual(links['b'], undefined);
  });

  it('resets connections, and a crash takes the listeners with it', () => {
    const { clock, network, closed, connect } = world();
    connect();
    clock.advance(10);
    network.reset('a', 'b');
    clock.advance(10);
    assert.deepEqual(closed, { a: ['AEP_NET_RESET'], b: ['AEP_NET_RESET'] });
    network.crash('b');
    connect();
    clock.advance(10);
    assert.deepEqual(closed['a'], ['AEP_NET_RESET', 'AEP_NET_CONNECT_FAILED']);
    assert.equal(network.connectionCount, 0);
  });
});

describe('addresses', () => {
  it('are host:port, with brackets around IPv6', () => {
    assert.deepEqual(parseAddress('localhost:80'), { host: 'localhost', port: 80 });
    assert.deepEqual(parseAddress('[::1]:80'), { host: '::1', port: 80 });
    for (const text of ['', 'host', 'host:', ':80', 'a:70000', 'a b:1', 'http://a:1']) {
      assert.throws(
        () => parseAddress(text),
        (error) => error instanceof AepError && error.code === 'AEP_NET_ADDRESS_INVALID',
        text,
      );
    }
  });

  it('are loopback only when nobody outside can reach them', () => {
    assert.ok(['127.0.0.1', '127.1.2.3', '::1', 'localhost'].every(isLoopbackHost));
    assert.ok(!['0.0.0.0', '::', '10.0.0.1', 'localhost.example.com', '127.0.0.1.example.com'].some(isLoopbackHost));
  });
});
