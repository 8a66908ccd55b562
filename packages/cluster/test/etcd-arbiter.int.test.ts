import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BrokerProcess, didNotRun, etcdServer, FaultProxy } from '@aep/brokers';
import { type Arbiter, type EtcdArbiterOptions, type GroupRecord, openArbiter, openEtcdArbiter } from '@aep/cluster';
import { arbiterContract, type ArbiterHarness } from '@aep/cluster/contract';
import { RealTime } from './real-time.js';

const kind = etcdServer();

if (kind.missing() === undefined)
  arbiterContract('etcd', { outage: true, kill: true }, async () => {
    const broker = await (await BrokerProcess.create(kind)).start();
    return new EtcdHarness(broker, await FaultProxy.listen(broker.port));
  });

/** One server for each test, behind a proxy per member's death. */
class EtcdHarness extends RealTime implements ArbiterHarness {
  private readonly proxies = new Map<Arbiter, FaultProxy>();

  constructor(
    private readonly broker: BrokerProcess,
    private readonly proxy: FaultProxy,
  ) {
    super();
  }

  connect(group = 'group'): Arbiter {
    const endpoints = [`http://127.0.0.1:${this.proxy.port}`];
    const arbiter = openEtcdArbiter({
      endpoints,
      group,
      requestTimeoutMs: 700,
      announceIntervalMs: 300,
      watchBackoffMs: [10, 100],
    });
    this.arbiters.add(arbiter);
    return arbiter;
  }

  /** Without a close the lease is all that ends its presence; nothing repeats it any more. */
  kill(arbiter: Arbiter): void {
    this.arbiters.delete(arbiter);
    Object.assign(arbiter, { doAnnounce: () => undefined });
  }

  async stop(): Promise<void> {
    await this.broker.kill();
  }

  async start(): Promise<void> {
    await this.broker.start();
  }

  async dispose(): Promise<void> {
    await this.closeAll();
    for (const proxy of this.proxies.values()) await proxy.dispose();
    await this.proxy.dispose();
    await this.broker.dispose();
  }
}

describe('the arbiter in etcd', () => {
  void it('a watch that hangs is noticed by the reading beside it, and begins anew', async (context) => {
    await withEtcd(context, async (broker) => {
      const proxy = await FaultProxy.listen(broker.port);
      const options = { requestTimeoutMs: 300, watchBackoffMs: [10, 50], rereadIntervalMs: 200 } as const;
      const watching = arbiterAt([proxy.port], options);
      const epochs: number[] = [];
      watching.watch((record) => epochs.push(record?.epoch ?? 0));
      await until(() => epochs.length === 1);
      proxy.stall();
      const direct = arbiterAt([broker.port], {});
      await swap(direct, 0);
      await pause(600);
      assert.deepEqual(epochs, [0]);
      proxy.flow();
      await until(() => epochs.at(-1) === 1);
      await swap(direct, 1);
      await until(() => epochs.at(-1) === 2);
      await close(watching, direct);
      await proxy.dispose();
    });
  });

  void it('an answer that is lost leaves it open whether the swap has happened; reading tells', async (context) => {
    await withEtcd(context, async (broker) => {
      const proxy = await FaultProxy.listen(broker.port);
      const arbiter = arbiterAt([proxy.port], { requestTimeoutMs: 300 });
      await swap(arbiter, 0);
      broker.pause();
      await assert.rejects(swap(arbiter, 1), { code: 'AEP_ARBITER_UNAVAILABLE' });
      broker.resume();
      const direct = arbiterAt([broker.port], {});
      await until(async () => (await read(direct).catch(() => undefined)) !== undefined);
      const after = (await read(direct))!.epoch;
      // Delivered late, or never: both are allowed, and the next swap by what was read is sound.
      assert.ok(after === 1 || after === 2, `epoch ${after}`);
      await until(async () => {
        const epoch = (await read(direct))!.epoch;
        return swap(arbiter, epoch).then(
          (swapped) => swapped,
          () => false,
        );
      });
      await close(arbiter, direct);
      await proxy.dispose();
    });
  });

  void it('the next endpoint is asked when one is gone', async (context) => {
    await withEtcd(context, async (broker) => {
      const proxy = await FaultProxy.listen(broker.port);
      const arbiter = arbiterAt([proxy.port, broker.port], { requestTimeoutMs: 400 });
      const epochs: number[] = [];
      arbiter.watch((record) => epochs.push(record?.epoch ?? 0));
      await swap(arbiter, 0);
      proxy.refuse();
      await until(() => swap(arbiter, 1).catch(() => false));
      await until(() => epochs.at(-1) === 2);
      await close(arbiter);
      await proxy.dispose();
    });
  });

  void it('somebody else’s value in the register’s place is AEP_ARBITER_RECORD, and is not overwritten', async (context) => {
    await withEtcd(context, async (broker) => {
      const key = Buffer.from('/aep/group/register').toString('base64');
      const value = Buffer.from('{"not":"ours"}').toString('base64');
      await fetch(`http://127.0.0.1:${broker.port}/v3/kv/put`, {
        method: 'POST',
        body: JSON.stringify({ key, value }),
      });
      const arbiter = arbiterAt([broker.port], {});
      await assert.rejects(read(arbiter), { code: 'AEP_ARBITER_RECORD', advice: 'fatal' });
      await assert.rejects(swap(arbiter, 0), { code: 'AEP_ARBITER_RECORD' });
      await assert.rejects(swap(arbiter, 3), { code: 'AEP_ARBITER_RECORD' });
      await close(arbiter);
    });
  });

  void it('with users switched on: the right password works, also after the tokens were forgotten; a wrong one is AEP_ARBITER_REFUSED', async (context) => {
    await withEtcd(context, async (broker) => {
      const gateway = async (path: string, body: object): Promise<void> => {
        const url = `http://127.0.0.1:${broker.port}/v3/${path}`;
        assert.equal((await fetch(url, { method: 'POST', body: JSON.stringify(body) })).status, 200, path);
      };
      await gateway('auth/user/add', { name: 'root', password: 'sesame' });
      await gateway('auth/role/add', { name: 'root' });
      await gateway('auth/user/grant', { user: 'root', role: 'root' });
      await gateway('auth/enable', {});
      const wrong = arbiterAt([broker.port], { user: 'root', password: 'wrong' });
      await assert.rejects(read(wrong), (error: Error & { code: string }) => {
        assert.equal(error.code, 'AEP_ARBITER_REFUSED');
        assert.doesNotMatch(error.message, /wrong/);
        return true;
      });
      const nobody = arbiterAt([broker.port], {});
      await assert.rejects(read(nobody), { code: 'AEP_ARBITER_REFUSED' });
      const arbiter = arbiterAt([broker.port], { user: 'root', password: 'sesame' });
      const epochs: number[] = [];
      arbiter.watch((record) => epochs.push(record?.epoch ?? 0));
      assert.equal(await swap(arbiter, 0), true);
      // Simple tokens live in the server's memory.
      await broker.restart();
      await until(() => swap(arbiter, 1).catch(() => false));
      await until(() => epochs.at(-1) === 2);
      await close(wrong, nobody, arbiter);
    });
  });
});

describe('the arbiter in etcd over TLS', () => {
  void it('a member with a certificate of the right authority is let in by its descriptor; one without, or of a stranger, is not', async (context) => {
    if (didNotRun(context, kind) || didNotRun(context, { ...kind, name: 'openssl', missing: missingOpenssl })) return;
    const folder = mkdtempSync(join(tmpdir(), 'aep-tls-'));
    const [ours, theirs] = [new Authority(folder, 'ours'), new Authority(folder, 'theirs')];
    const server = ours.issue('server');
    const args = ['--client-cert-auth', `--trusted-ca-file=${ours.file}`, `--cert-file=${server.cert}`];
    const secure = etcdServer({ scheme: 'https', args: [...args, `--key-file=${server.key}`] });
    const broker = await (await BrokerProcess.create(secure)).start();
    const open = (ca: string, member?: Certificate): Arbiter => {
      const identity = member === undefined ? '' : `&cert=${member.cert}&key=${member.key}`;
      const descriptor = `etcds://127.0.0.1:${broker.port}?ca=${ca}${identity}`;
      return openArbiter({ descriptor, group: 'group' });
    };
    try {
      const member = open(ours.file, ours.issue('member'));
      await until(() => swap(member, 0).catch(() => false));
      const epochs: number[] = [];
      member.watch((record) => epochs.push(record?.epoch ?? 0));
      await until(() => epochs.at(-1) === 1);
      const refused = { code: 'AEP_ARBITER_UNAVAILABLE' };
      const nameless = open(ours.file);
      await assert.rejects(read(nameless), refused);
      const stranger = open(ours.file, theirs.issue('stranger'));
      await assert.rejects(swap(stranger, 1), refused);
      const deceived = open(theirs.file, ours.issue('member2'));
      await assert.rejects(read(deceived), refused, 'a server of another authority is not talked to');
      assert.equal((await read(member))!.epoch, 1);
      await close(member, nameless, stranger, deceived);
    } finally {
      await broker.dispose();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Issues certificates for 127.0.0.1 by openssl. */
class Authority {
  readonly file: string;
  private readonly key: string;

  constructor(
    private readonly folder: string,
    private readonly name: string,
  ) {
    this.file = join(folder, `${name}-ca.pem`);
    this.key = join(folder, `${name}-ca.key`);
    openssl('req', '-x509', '-newkey', 'ec', ...EC, '-nodes', '-days', '2', '-subj', `/CN=${name}`, ...this.out());
  }

  issue(name: string): Certificate {
    const [cert, key, request] = ['pem', 'key', 'csr'].map((end) => join(this.folder, `${this.name}-${name}.${end}`));
    openssl(
      'req',
      '-newkey',
      'ec',
      ...EC,
      '-nodes',
      '-subj',
      `/CN=${name}`,
      '-addext',
      SAN,
      '-keyout',
      key!,
      '-out',
      request!,
    );
    const signed = ['-CA', this.file, '-CAkey', this.key, '-CAcreateserial', '-copy_extensions', 'copy', '-days', '2'];
    openssl('x509', '-req', '-in', request!, ...signed, '-out', cert!);
    return { cert: cert!, key: key! };
  }

  private out(): readonly string[] {
    return ['-keyout', this.key, '-out', this.file];
  }
}

const EC = ['-pkeyopt', 'ec_paramgen_curve:prime256v1'];
const SAN = 'subjectAltName=IP:127.0.0.1';

function missingOpenssl(): string | undefined {
  try {
    openssl('version');
    return undefined;
  } catch {
    return 'no openssl here: install the package openssl';
  }
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}

async function withEtcd(context: TestContext, action: (broker: BrokerProcess) => Promise<void>): Promise<void> {
  if (didNotRun(context, kind)) return;
  const broker = await (await BrokerProcess.create(kind)).start();
  try {
    await action(broker);
  } finally {
    await broker.dispose();
  }
}

function arbiterAt(ports: readonly number[], options: Partial<EtcdArbiterOptions>): Arbiter {
  return openEtcdArbiter({ group: 'group', endpoints: ports.map((port) => `http://127.0.0.1:${port}`), ...options });
}

function read(arbiter: Arbiter): Promise<GroupRecord | undefined> {
  return new Promise((resolve, reject) => {
    arbiter.read((error, record) => (error === undefined ? resolve(record) : reject(error)));
  });
}

function swap(arbiter: Arbiter, expectedEpoch: number): Promise<boolean> {
  const primary = { name: 'a', storeId: 's' };
  const record = { epoch: expectedEpoch + 1, primary, members: [primary], incarnation: 1 };
  return new Promise((resolve, reject) => {
    arbiter.compareAndSet(expectedEpoch, record, (error, answer) =>
      error === undefined ? resolve(answer!.swapped) : reject(error),
    );
  });
}

async function close(...arbiters: readonly Arbiter[]): Promise<void> {
  for (const arbiter of arbiters) await new Promise<void>((resolve) => arbiter.close(resolve));
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let round = 0; round < 500; round++) {
    if (await condition()) return;
    await pause(20);
  }
  assert.fail('waited 10 s in vain');
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
