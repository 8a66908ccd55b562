import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AepError, SeededRandom, VirtualClock } from '@aep/kernel';
import { type Link, type LinkHandler, MemoryNetwork, type NetAddress, type Network, TcpNetwork } from '@aep/net';

/** One end as a test sees it. */
class End implements LinkHandler {
  link!: Link;
  bytes: number[] = [];
  written: Uint8Array[] = [];
  isOpen = false;
  closes: (AepError | undefined)[] = [];

  onOpen(): void {
    this.isOpen = true;
  }
  onBytes(bytes: Uint8Array): void {
    this.bytes.push(...bytes);
  }
  onWritten(chunk: Uint8Array): void {
    this.written.push(chunk);
  }
  onClose(cause: AepError | undefined): void {
    this.closes.push(cause);
  }
}

interface World {
  readonly server: Network;
  readonly client: Network;
  until(condition: () => boolean): Promise<void>;
}

const worlds: Record<string, () => World> = {
  memory: () => {
    const clock = new VirtualClock();
    const network = new MemoryNetwork({
      clock,
      random: new SeededRandom(7),
      delayMs: 1,
      jitterMs: 5,
      pieceBytesMax: 7,
    });
    return {
      server: network.node('server'),
      client: network.node('client'),
      until: (condition) => {
        for (let steps = 0; !condition(); steps++)
          assert.ok(steps < 100_000 && clock.runNext(), 'nothing more happens');
        return Promise.resolve();
      },
    };
  },
  tcp: () => ({
    server: new TcpNetwork(),
    client: new TcpNetwork(),
    until: async (condition) => {
      const deadline = Date.now() + 5000;
      while (!condition()) {
        assert.ok(Date.now() < deadline, 'waited in vain');
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
  }),
};

for (const [name, makeWorld] of Object.entries(worlds)) {
  describe(`network: ${name}`, () => {
    async function connected() {
      const world = makeWorld();
      const far = new End();
      let bound: NetAddress | undefined;
      const listener = world.server.listen(
        { host: '127.0.0.1', port: 0 },
        {
          onListening: (address) => (bound = address),
          onLink: (link) => {
            far.link = link;
            far.isOpen = true;
            return far;
          },
          onFailed: (error) => assert.fail(error),
        },
      );
      await world.until(() => bound !== undefined);
      const near = new End();
      near.link = world.client.connect(bound!, near);
      assert.equal(near.isOpen, false, 'never from inside the call');
      await world.until(() => near.isOpen && far.isOpen);
      const stop = async (): Promise<void> => {
        let isClosed = false;
        listener.close(() => (isClosed = true));
        await world.until(() => isClosed);
      };
      return { world, near, far, bound: bound!, stop };
    }

    it('carries bytes both ways in order and gives chunks back', async () => {
      const { world, near, far, stop } = await connected();
      const chunks = [Uint8Array.of(1, 2, 3), new Uint8Array(100).fill(4), Uint8Array.of(5)];
      for (const chunk of chunks) near.link.write(chunk);
      far.link.write(Uint8Array.of(9));
      far.link.flush();
      await world.until(() => far.bytes.length === 104 && near.bytes.length === 1 && near.written.length === 3);
      assert.deepEqual(far.bytes, [1, 2, 3, ...chunks[1]!, 5]);
      assert.deepEqual(near.written, chunks);
      assert.equal(near.link.bufferedBytes, 0);
      near.link.abort();
      await stop();
    });

    it('ends in order: what was written arrives, then both ends are told once', async () => {
      const { world, near, far, stop } = await connected();
      near.link.write(Uint8Array.of(1, 2));
      near.link.close();
      near.link.write(Uint8Array.of(3));
      await world.until(() => far.closes.length === 1 && near.closes.length === 1 && near.written.length === 2);
      assert.deepEqual(far.bytes, [1, 2]);
      assert.deepEqual([...far.closes, ...near.closes], [undefined, undefined]);
      await stop();
    });

    it('tells the other end of a reset', async () => {
      const { world, near, far, stop } = await connected();
      near.link.abort();
      await world.until(() => far.closes.length === 1 && near.closes.length === 1);
      assert.equal(far.closes[0]?.code, 'AEP_NET_RESET');
      assert.equal(near.closes[0], undefined);
      await stop();
    });

    it('holds bytes back while the receiver has paused', async () => {
      const { world, near, far, stop } = await connected();
      far.link.pause();
      near.link.write(Uint8Array.of(1));
      near.link.flush();
      far.link.write(Uint8Array.of(2));
      await world.until(() => near.bytes.length === 1);
      assert.deepEqual(far.bytes, []);
      far.link.resume();
      await world.until(() => far.bytes.length === 1);
      near.link.close();
      await world.until(() => far.closes.length === 1);
      await stop();
    });

    it('bytes that are kept never change, however much comes after them', async () => {
      const { world, near, far, stop } = await connected();
      const kept: Uint8Array[] = [];
      let count = 0;
      near.onBytes = (bytes) => {
        kept.push(bytes);
        count += bytes.length;
      };
      const total = name === 'memory' ? 5_000 : 3_000_000;
      for (let at = 0; at < total; at += 1_000) {
        const chunk = Uint8Array.from({ length: 1_000 }, (_, index) => patternAt(at + index));
        far.link.write(chunk);
      }
      await world.until(() => count === total);
      let at = 0;
      let wrong = 0;
      for (const bytes of kept) for (const byte of bytes) if (byte !== patternAt(at++)) wrong++;
      assert.equal(wrong, 0);
      near.link.abort();
      await stop();
    });

    it('holds bytes back for the side that connected, too, and tells it of the end behind them', async () => {
      const { world, near, far, stop } = await connected();
      near.link.pause();
      far.link.write(Uint8Array.of(1));
      near.link.write(Uint8Array.of(2));
      await world.until(() => far.bytes.length === 1);
      far.link.close();
      assert.deepEqual([near.bytes, near.closes], [[], []]);
      near.link.resume();
      await world.until(() => near.closes.length === 1);
      assert.deepEqual(near.bytes, [1]);
      await stop();
    });

    it('says why it cannot connect or listen', async () => {
      const { world, near, bound, stop } = await connected();
      let failure: AepError | undefined;
      world.server.listen(bound, {
        onListening: () => assert.fail('the address is in use'),
        onLink: () => new End(),
        onFailed: (error) => (failure = error),
      });
      await world.until(() => failure !== undefined);
      assert.equal(failure?.code, 'AEP_NET_LISTEN_FAILED');
      near.link.close();
      await stop();
      const late = new End();
      late.link = world.client.connect(bound, late);
      await world.until(() => late.closes.length === 1);
      assert.equal(late.closes[0]?.code, 'AEP_NET_CONNECT_FAILED');
      assert.equal(late.isOpen, false);
    });
  });
}

function patternAt(at: number): number {
  return (at * 7 + (at >> 8)) & 0xff;
}
