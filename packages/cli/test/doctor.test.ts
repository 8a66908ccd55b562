import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ExitCode, type MachineProbes } from '@aep/cli';
import { machineProbes } from '@aep/cli/internal';
import { VirtualClock } from '@aep/kernel';
import { ledgerModel } from './ledger-store.js';
import { aep, aepJson, GOOD_MACHINE, scratchDirectory } from './test-io.js';

const scratch = scratchDirectory();
after(() => scratch.remove());
const cwd = scratch.path;
writeFileSync(join(cwd, 'model.xml'), ledgerModel({ adminPort: 7500 }));

interface Report {
  readonly ok: boolean;
  readonly findings: readonly { name: string; status: string; found: string; advice?: string }[];
}

async function findingOf(
  name: string,
  change: Partial<MachineProbes>,
  wallMs?: number,
): Promise<{ status: string; found: string; advice?: string }> {
  const { findings } = await aepJson<Report>(cwd, ['doctor'], (io) => {
    io.machine = { ...GOOD_MACHINE, ...change };
    if (wallMs !== undefined) io.clock = new VirtualClock(wallMs);
  });
  return findings.find((finding) => finding.name === name)!;
}

test('a machine in good order has nothing but ok', async () => {
  const { exitCode, out } = await aep(cwd, ['doctor'], (io) => {
    io.clock = new VirtualClock(Date.UTC(2026, 0, 1));
  });
  assert.equal(exitCode, ExitCode.ok);
  assert.equal(
    out,
    `ok    Node.js             22.20.0
ok    storage engine      lmdb loads and stores
ok    disk sync           median 0.50 ms, slowest 0.50 ms of 40 writes
ok    free space          50.0 GiB
ok    clock               2026-01-01T00:00:00.000Z
ok    file descriptors    65536
`,
  );
});

test('a Node.js that is too old fails', async () => {
  for (const [nodeVersion, status] of [
    ['18.20.0', 'fail'],
    ['20.18.9', 'fail'],
    ['20.19.0', 'ok'],
    ['21.7.0', 'fail'],
    ['22.11.0', 'fail'],
    ['24.0.0', 'ok'],
  ] as const) {
    assert.equal((await findingOf('Node.js', { nodeVersion })).status, status, nodeVersion);
  }
});

test('a disk is judged by its typical sync, and one that is too fast to be true is suspected', async () => {
  for (const [ms, status] of [
    [0.001, 'warn'],
    [0.3, 'ok'],
    [20, 'warn'],
    [80, 'fail'],
  ] as const) {
    const syncTimesMs = (_directory: string, count: number): number[] => Array.from({ length: count }, () => ms);
    assert.equal((await findingOf('disk sync', { syncTimesMs })).status, status);
  }
});

test('little space and few file descriptors are warned of, too little fails', async () => {
  const space = async (bytes: number) => (await findingOf('free space', { freeBytes: () => bytes })).status;
  assert.deepEqual([await space(1e6), await space(1e9), await space(1e12)], ['fail', 'warn', 'ok']);
  const files = async (limit: number | undefined) =>
    (await findingOf('file descriptors', { fileDescriptorLimit: () => limit })).status;
  assert.deepEqual(
    [await files(128), await files(1024), await files(Infinity), await files(undefined)],
    ['fail', 'warn', 'ok', 'ok'],
  );
});

test('a clock that stands in 1970 fails', async () => {
  assert.equal((await findingOf('clock', {}, 0)).status, 'fail');
});

test('what cannot be measured fails with advice, and the exit code says so', async () => {
  const { exitCode, out } = await aep(cwd, ['doctor'], (io) => {
    io.machine = { ...GOOD_MACHINE, tryStore: () => Promise.reject(new Error('GLIBC_2.34 not found')) };
  });
  assert.equal(exitCode, ExitCode.problemsFound);
  assert.match(out, /^FAIL {2}storage engine {6}GLIBC_2\.34 not found\n +lmdb needs glibc 2\.34/m);
});

test('a warning alone is no failure', async () => {
  const { exitCode } = await aep(cwd, ['doctor'], (io) => {
    io.machine = { ...GOOD_MACHINE, freeBytes: () => 1e9 };
  });
  assert.equal(exitCode, ExitCode.ok);
});

test('ports of a model that are taken fail', async () => {
  const taken = await aep(cwd, ['doctor', '--model', 'model.xml'], (io) => {
    io.machine = { ...GOOD_MACHINE, isPortFree: () => Promise.resolve(false) };
  });
  assert.equal(taken.exitCode, ExitCode.problemsFound);
  assert.match(taken.out, /^FAIL {2}port 7500 {11}127\.0\.0\.1:7500 is taken \(admin of xvm main\)$/m);
  assert.match(
    (await aep(cwd, ['doctor', '--model', 'model.xml'])).out,
    /^ok {4}port 7500 {11}127\.0\.0\.1:7500 is free/m,
  );
});

test('the real probes measure this machine', async () => {
  const probes = machineProbes();
  assert.equal(probes.nodeVersion, process.versions.node);
  const times = probes.syncTimesMs(cwd, 3);
  assert.ok(times.length === 3 && times.every((ms) => ms > 0));
  assert.ok(probes.freeBytes(cwd) > 0);
  await probes.tryStore(cwd);
  assert.throws(() => probes.syncTimesMs(join(cwd, 'nothing'), 1));
  const server = createServer();
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  );
  assert.equal(await probes.isPortFree('127.0.0.1', port), false);
  await new Promise((resolve) => server.close(resolve));
  assert.equal(await probes.isPortFree('127.0.0.1', port), true);
});
