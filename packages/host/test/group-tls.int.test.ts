import assert from 'node:assert/strict';
import { after, describe, it, type TestContext } from 'node:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import type { Xvm } from '@aep/host';
import { prepareXvm } from '@aep/host/internal';
import { AepError, FunctionLog } from '@aep/kernel';
import { parseAddress } from '@aep/net';
import { Authority, type Certificates, opensslMissing } from './certificates.js';
import { sale, shopModel, temporaryDir, testDir, tillTotal } from './shop.js';

const SECRET = 'sesame sesame sesame';
const MEMBERS = ['one', 'two', 'three'] as const;
type MemberName = (typeof MEMBERS)[number];

/** The till as a member of a group whose link is TLS, as its model says it. */
class SecureGroup {
  /** Everything that any member has logged, with the code of its error. */
  readonly lines: string[] = [];
  private readonly dataDir: string;
  private readonly started: Xvm[] = [];

  constructor(context: TestContext) {
    // Before the hook that removes the directory: a member without its files stops late.
    context.after(async () => await Promise.all(this.started.map((xvm) => xvm.stop())));
    this.dataDir = temporaryDir(context);
  }

  /** Answers when the member is primary or follows. */
  async start(name: MemberName, certificates: Certificates): Promise<Xvm> {
    const xvm = await this.prepare(name, certificates);
    await xvm.start();
    return xvm;
  }

  /** One that will wait for as long as the test lasts. Undefined: without certificates, by TCP. */
  async startInVain(name: MemberName, certificates: Certificates | undefined): Promise<void> {
    const xvm = await this.prepare(name, certificates);
    xvm.start().catch(() => undefined); // told that it was stopped
  }

  private async prepare(name: MemberName, certificates: Certificates | undefined): Promise<Xvm> {
    const files = Object.entries(certificates ?? {}).map(([what, file]) => `<${what}>${file}</${what}>`);
    const clustering = `<clustering><secretEnv>SHOP_SECRET</secretEnv>${files.join('')}</clustering>`;
    const { text, file } = shopModel({ till: `<storage><durability>replicated</durability>${clustering}</storage>` });
    const xvms = MEMBERS.map((member) => `<xvm name="${member}"><apps><app name="till"/></apps></xvm>`);
    const started = await prepareXvm({
      model: { text: text.replace(/<xvms>.*<\/xvms>/, `<xvms>${xvms.join('')}</xvms>`), file },
      modelDir: testDir,
      dataDir: this.dataDir,
      xvm: name,
      log: new FunctionLog((line) => this.lines.push(JSON.stringify(line))),
      environment: { SHOP_SECRET: SECRET },
    });
    this.started.push(started);
    return started;
  }

  async said(pattern: RegExp): Promise<void> {
    await until(() => this.lines.some((line) => pattern.test(line)));
  }
}

const missing = opensslMissing();
const folder = mkdtempSync(join(tmpdir(), 'aep-group-tls-'));
after(() => rmSync(folder, { recursive: true, force: true }));

describe('members whose model names certificates (H13)', () => {
  if (missing !== undefined) {
    it(`DID NOT RUN: ${missing}`, (context) => context.diagnostic(`DID NOT RUN: ${missing}`));
    return;
  }
  const ours = new Authority(folder, 'ours');
  const theirs = new Authority(folder, 'theirs');

  it('are a pair over TLS 1.3, and one takes over from the other', async (context) => {
    const group = new SecureGroup(context);
    const one = await group.start('one', ours.issue('one'));
    const two = await group.start('two', ours.issue('two'));
    await one.engine('till').inject(sale('tea', 5));
    const total = tillTotal(one, 'tea');
    assert.deepEqual(membersOf(one), ['one', 'two']);
    assert.equal(await protocolOf(addressOf(one), ours.issue('probe')), 'TLSv1.3');
    await assert.rejects(protocolOf(addressOf(one), ours.issue('probe'), 'TLSv1.2'), /alert protocol version/);
    await one.stop();
    await until(() => roleOf(two) === 'primary' && two.engine('till').state === 'started');
    assert.equal(tillTotal(two, 'tea'), total);
  });

  for (const [who, certificates, refusal] of [
    ['of another authority', () => ({ ...theirs.issue('three'), caFile: ours.issue('any').caFile }), /LEAF_SIGNATURE/],
    ['with an expired certificate', () => ours.issue('three', { days: -1 }), /CERT_HAS_EXPIRED/],
    ['that speaks no TLS', () => undefined, /wrong version number|http request|packet length/i],
  ] as const) {
    it(`refuse one ${who}, say so with a code on both sides, and go on`, async (context) => {
      const group = new SecureGroup(context);
      const one = await group.start('one', ours.issue('one'));
      const two = await group.start('two', ours.issue('two'));
      await group.startInVain('three', certificates());
      await group.said(/AEP_NET_HANDSHAKE_FAILED.*a connection from/);
      assert.match(group.lines.find((line) => line.includes('AEP_NET_HANDSHAKE_FAILED')) ?? '', refusal);
      await group.said(/the link to the primary has ended.*AEP_(NET|LINK)_/);
      for (let amount = 1; amount <= 20; amount++) await one.engine('till').inject(sale('tea', amount));
      assert.deepEqual(membersOf(one), ['one', 'two']);
      assert.deepEqual([roleOf(one), roleOf(two)], ['primary', 'backup']);
      assertNothingSecret(group.lines);
    });
  }

  it('do not follow a primary whose certificate is for another host or of another authority, and it goes on', async (context) => {
    for (const [certificates, reason] of [
      [ours.issue('one', { subject: 'DNS:elsewhere.example' }), /does not match certificate/],
      [{ ...theirs.issue('one'), caFile: ours.issue('any').caFile }, /unable to verify|self.signed/],
    ] as const) {
      const group = new SecureGroup(context);
      const one = await group.start('one', certificates);
      await group.startInVain('two', ours.issue('two'));
      await group.said(/the link to the primary has ended.*AEP_NET_HANDSHAKE_FAILED/);
      assert.match(group.lines.find((line) => /to the primary has ended/.test(line)) ?? '', reason);
      await one.engine('till').inject(sale('tea', 1));
      assert.deepEqual(membersOf(one), ['one']);
      assertNothingSecret(group.lines);
    }
  });

  it('do not start with a file that is no certificate, or with the key of another one', async (context) => {
    const group = new SecureGroup(context);
    const [mine, other] = [ours.issue('mine'), ours.issue('other')];
    for (const wrong of [
      { ...mine, keyFile: other.keyFile },
      { ...mine, certFile: join(testDir, 'shop.js') },
    ]) {
      await assert.rejects(group.start('one', wrong), (error: unknown) => {
        assert.ok(codesOf(error).includes('AEP_CERTIFICATE_INVALID'), String(error));
        assertNothingSecret([String(error), JSON.stringify(error)]);
        return true;
      });
    }
  });
});

function assertNothingSecret(lines: readonly string[]): void {
  const text = lines.join('\n');
  assert.doesNotMatch(text, /PRIVATE KEY|sesame/);
  for (const name of ['one', 'two', 'three', 'mine', 'other']) {
    for (const authority of ['ours', 'theirs']) {
      const key = keyTextOf(join(folder, `${authority}-${name}.key`));
      assert.ok(key === undefined || !text.includes(key), `the key of ${name} was printed`);
    }
  }
}

/** The first line of the key itself; undefined when there is no such file. */
function keyTextOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').split('\n')[1];
  } catch {
    return undefined;
  }
}

/** The protocol that a member's port agrees on. */
function protocolOf(address: string, files: Certificates, maxVersion: 'TLSv1.3' | 'TLSv1.2' = 'TLSv1.3') {
  const { host, port } = parseAddress(address);
  const [ca, cert, key] = [files.caFile, files.certFile, files.keyFile].map((file) => readFileSync(file));
  return new Promise<string | null>((resolve, reject) => {
    const socket: TLSSocket = connect({ host, port, ca, cert, key, maxVersion }, () => {
      resolve(socket.getProtocol());
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

function codesOf(error: unknown): string[] {
  return error instanceof AepError ? [error.code, ...codesOf(error.cause)] : [];
}

function addressOf(xvm: Xvm): string {
  return xvm.status().apps[0]!.group!.address;
}

function roleOf(xvm: Xvm): string {
  return xvm.status().apps[0]!.role;
}

function membersOf(xvm: Xvm): string[] {
  const { register } = xvm.status().apps[0]!.group!;
  return (register?.members ?? []).map(({ name }) => name).sort();
}

async function until(condition: () => boolean): Promise<void> {
  for (let waitedMs = 0; !condition(); waitedMs += 5) {
    assert.ok(waitedMs < 15_000, 'waited 15 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
