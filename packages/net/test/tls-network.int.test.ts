import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { AepError } from '@aep/kernel';
import { type Link, type LinkHandler, type NetAddress, type Network, TcpNetwork, TlsNetwork } from '@aep/net';

const folder = mkdtempSync(join(tmpdir(), 'aep-tls-'));
const hasOpenssl = ((): boolean => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** An authority with its certificates, made by openssl. */
class Authority {
  constructor(private readonly name: string) {
    openssl(
      'req',
      '-x509',
      ...KEY,
      '-keyout',
      this.file('ca.key'),
      '-out',
      this.file('ca.pem'),
      '-subj',
      `/CN=${name}`,
      '-days',
      '2',
    );
  }

  get ca(): string {
    return read(this.file('ca.pem'));
  }

  issue(name: string, ...validity: string[]): { ca: string; cert: string; key: string } {
    const [key, request, cert, extensions] = ['key', 'csr', 'pem', 'ext'].map((end) => this.file(`${name}.${end}`));
    openssl('req', ...KEY, '-keyout', key!, '-out', request!, '-subj', `/CN=${name}`);
    writeFileSync(join(folder, extensions!), 'subjectAltName=IP:127.0.0.1\n');
    const signed = [
      '-CA',
      this.file('ca.pem'),
      '-CAkey',
      this.file('ca.key'),
      '-CAcreateserial',
      '-extfile',
      extensions!,
    ];
    const days = validity.length === 0 ? ['-days', '2'] : validity;
    openssl('x509', '-req', '-in', request!, '-out', cert!, ...signed, ...days);
    return { ca: this.ca, cert: read(cert!), key: read(key!) };
  }

  private file(name: string): string {
    return `${this.name}-${name}`;
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
}

function read(name: string): string {
  return readFileSync(join(folder, name), 'utf8');
}

class End implements LinkHandler {
  link: Link | undefined;
  text = '';
  isOpen = false;
  closes: (AepError | undefined)[] = [];

  onOpen(): void {
    this.isOpen = true;
  }
  onBytes(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString();
  }
  onWritten(): void {}
  onClose(cause: AepError | undefined): void {
    this.closes.push(cause);
  }
}

async function until(condition: () => boolean): Promise<void> {
  for (let waits = 0; !condition(); waits++) {
    assert.ok(waits < 1_000, 'it never came');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('TLS with certificates on both sides', () => {
  if (!hasOpenssl) {
    it('DID NOT RUN: no openssl here: install the package openssl', (context) => {
      context.diagnostic('DID NOT RUN: no openssl here: install the package openssl');
    });
    return;
  }
  const ours = new Authority('ours');
  const theirs = new Authority('theirs');
  const served: End[] = [];
  const refused: AepError[] = [];
  let at: NetAddress;
  let close: (done: () => void) => void;

  before(async () => {
    const network = new TlsNetwork({ ...ours.issue('server'), handshakeMs: 300 });
    const listener = network.listen(
      { host: '127.0.0.1', port: 0 },
      {
        onListening: (address) => (at = address),
        onLink: (link) => {
          const end = new End();
          end.link = link;
          served.push(end);
          return end;
        },
        onFailed: (cause) => assert.fail(cause),
        onRefused: (cause) => refused.push(cause),
      },
    );
    close = (done) => listener.close(done);
    await until(() => at !== undefined);
  });

  after(async () => {
    for (const end of served) end.link?.abort();
    await new Promise<void>((resolve) => close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });

  async function attempt(network: Network, to = at): Promise<End> {
    const end = new End();
    end.link = network.connect(to, end);
    await until(() => end.isOpen || end.closes.length > 0);
    return end;
  }

  it('carries bytes both ways between peers of one authority, by TLS 1.3', async () => {
    const network = new TlsNetwork(ours.issue('member'));
    assert.equal(network.isMutual, true);
    const end = await attempt(network);
    end.link!.write(Buffer.from('hello'));
    await until(() => served.at(-1)?.text === 'hello');
    served.at(-1)!.link!.write(Buffer.from('welcome'));
    await until(() => end.text === 'welcome');
    end.link!.close();
    await until(() => end.closes.length === 1);
  });

  for (const [who, reason, network] of [
    ['without a certificate', /certificate/, () => new TlsNetwork({ ca: ours.ca })],
    ['of another authority', /LEAF_SIGNATURE/, () => new TlsNetwork({ ...theirs.issue('stranger'), ca: ours.ca })],
    ['with an expired certificate', /EXPIRED/, () => new TlsNetwork(ours.issue('old', '-days', '-1'))],
  ] as const) {
    it(`a peer ${who} gets no link, and the listener is told why`, async () => {
      const before = served.length;
      const end = await attempt(network());
      // By TLS 1.3 the client learns of its rejection after its own handshake.
      end.link!.write(Buffer.from('let me in'));
      await until(() => end.closes.length === 1);
      assert.equal(served.length, before);
      assert.equal(end.text, '');
      const { code, message } = refused.at(-1)!;
      assert.equal(code, 'AEP_NET_HANDSHAKE_FAILED');
      assert.match(message, reason);
    });
  }

  it('a server of another authority is not talked to', async () => {
    const end = await attempt(new TlsNetwork({ ...ours.issue('careful'), ca: theirs.ca }));
    assert.equal(end.isOpen, false);
    assert.equal(end.closes[0]?.code, 'AEP_NET_HANDSHAKE_FAILED');
    // Who is there and cannot prove it is not taken for one who is gone.
    const nobody = await attempt(new TlsNetwork(ours.issue('lonely')), { host: '127.0.0.1', port: 1 });
    assert.equal(nobody.closes[0]?.code, 'AEP_NET_CONNECT_FAILED');
  });

  it('what is no certificate, or has the key of another one, is refused at once', () => {
    const [one, other] = [ours.issue('one'), ours.issue('other')];
    for (const wrong of [
      { ...one, key: other.key },
      { ...one, cert: 'no PEM' },
      { ...one, key: 'no PEM' },
    ])
      assert.throws(() => new TlsNetwork(wrong), { code: 'AEP_NET_CERTIFICATE_INVALID' });
  });

  it('a plain client, and one that says nothing, is cut off', async () => {
    const before = served.length;
    const talker = await attempt(new TcpNetwork());
    talker.link!.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
    const silent = await attempt(new TcpNetwork());
    await until(() => talker.closes.length === 1 && silent.closes.length === 1);
    assert.equal(served.length, before);
  });

  it('nobody listens without an authority for those who connect', () => {
    const { cert, key } = ours.issue('half');
    const handler = { onListening: () => undefined, onLink: () => new End(), onFailed: () => undefined };
    assert.throws(() => new TlsNetwork({ cert, key }).listen({ host: '127.0.0.1', port: 0 }, handler), {
      code: 'AEP_NET_LISTEN_FAILED',
    });
  });
});
