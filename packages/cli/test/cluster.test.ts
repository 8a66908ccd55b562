import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ExitCode } from '@aep/cli';
import { aep, type Outcome, scratchDirectory, type TestIo } from './test-io.js';

const A = { name: 'a', storeId: 's1' };
const B = { name: 'b', storeId: 's2' };
const STATUS = {
  group: 'till',
  name: 'a',
  role: 'primary',
  epoch: 4,
  acks: 'members',
  register: { epoch: 4, primary: A, members: [A, B], incarnation: 1 },
  lastTxId: 1_200,
  stableTxId: 1_198,
  isLinked: false,
  followers: [{ name: 'b', phase: 'following', isListed: true, ackedTxId: 1_198, lag: 2 }],
  present: [
    { name: 'a', address: '127.0.0.1:1', priority: 200 },
    { name: 'c', address: '127.0.0.1:3', priority: 100 },
  ],
  arbiter: 'available',
};

/** An xvm with one app whose answers about its group are these; what was posted is kept. */
function answering(status: object): { readonly posted: string[]; prepare(io: TestIo): void } {
  const posted: string[] = [];
  const app = {
    name: 'till',
    statistics: { counters: {}, stableTxId: 0, inboundQueued: 0, inFlight: 0, inDoubt: 0 },
  };
  return {
    posted,
    prepare(io) {
      io.answer = ({ method, url, body }) => {
        const path = new URL(url).pathname;
        if (method === 'POST') posted.push(`${path} ${body ?? ''}`);
        const content = path === '/status' ? { xvm: 'x', state: 'started', apps: [app] } : status;
        return Promise.resolve({ status: 200, text: JSON.stringify(content) });
      };
    },
  };
}

function call(xvm: ReturnType<typeof answering>, ...argv: string[]): Promise<Outcome> {
  return aep('/', ['cluster', ...argv, '--admin', 'http://127.0.0.1:7500'], (io) => xvm.prepare(io));
}

test('status tells role, register and followers; a pair that is well is 0', async () => {
  const { exitCode, out } = await call(answering(STATUS), 'status');
  assert.equal(exitCode, ExitCode.ok);
  assert.match(out, /member a of group till: primary in epoch 4\nprimary a, listed a, b\n/);
  assert.match(out, /b +following +yes +1,198 +2/);
  const json = await call(answering(STATUS), 'status', '--json');
  assert.deepEqual((JSON.parse(json.out) as typeof STATUS).register, STATUS.register);
});

test('status of a backup whose handlers run tells how far they are, and what was the first that they did otherwise (H11)', async () => {
  const replay = { phase: 'following', txId: 1_190, problems: 0 };
  const backup = { ...STATUS, name: 'b', role: 'backup', isLinked: true, followers: [], replay };
  const well = await call(answering(backup), 'status');
  assert.match(well.out, /handlers of the backup: following, record 1,190\n/);
  const differs = { ...replay, problems: 2, firstProblem: 'AEP_REPLAY_DIFFERS: replay of transaction 7 …' };
  const told = await call(answering({ ...backup, replay: differs }), 'status');
  assert.match(told.out, /record 1,190; problems: 2, the first: AEP_REPLAY_DIFFERS: replay of transaction 7/);
});

test('status of a member alone, of one without its primary, and without the arbiter is 1, for scripts', async () => {
  const cases = [
    { ...STATUS, register: { ...STATUS.register, members: [A] } },
    { ...STATUS, role: 'backup', isLinked: false },
    { ...STATUS, role: 'joining' },
    { ...STATUS, arbiter: 'AEP_ARBITER_UNAVAILABLE: gone' },
    { ...STATUS, register: undefined },
  ];
  for (const status of cases) assert.equal((await call(answering(status), 'status')).exitCode, ExitCode.problemsFound);
});

test('members lists who is listed and who is present, also who is only one of the two', async () => {
  const { out } = await call(answering(STATUS), 'members');
  const rows = out.split('\n').map((line) => line.split(/ +/).join(' ').trim());
  assert.deepEqual(rows.slice(1, 4), [
    'a primary yes yes 127.0.0.1:1 200 0',
    'b backup yes no - - 2',
    'c joining no yes 127.0.0.1:3 100 -',
  ]);
  const json = JSON.parse((await call(answering(STATUS), 'members', '--json')).out) as { name: string }[];
  assert.deepEqual(
    json.map(({ name }) => name),
    ['a', 'b', 'c'],
  );
});

test('switch asks for the hand-over, to a member or to the only other one', async () => {
  const xvm = answering({ ...STATUS, register: { ...STATUS.register, epoch: 5, primary: B } });
  const { exitCode, out } = await call(xvm, 'switch', 'b');
  assert.equal(exitCode, ExitCode.ok);
  assert.match(out, /^b leads in epoch 5, after \d+ ms\n$/);
  const json = JSON.parse((await call(xvm, 'switch', '--json')).out) as object;
  assert.deepEqual({ ...json, tookMs: 0 }, { primary: 'b', epoch: 5, tookMs: 0 });
  assert.deepEqual(xvm.posted, ['/apps/till/cluster/switch {"to":"b"}', '/apps/till/cluster/switch {}']);
});

test('promote does nothing without --unsafe and --yes, and says what is lost (H9)', async () => {
  const xvm = answering(STATUS);
  const bare = await call(xvm, 'promote');
  assert.equal(bare.exitCode, ExitCode.usage);
  const asked = await call(xvm, 'promote', '--unsafe');
  assert.equal(asked.exitCode, ExitCode.usage);
  assert.match(asked.err, /has records up to 1,200; everything after that .* is lost/);
  assert.match(asked.err, /never come back as they are: a, b/);
  assert.deepEqual(xvm.posted, []);
  const done = await call(xvm, 'promote', '--unsafe', '--yes');
  assert.equal(done.exitCode, ExitCode.ok);
  assert.deepEqual(xvm.posted, ['/apps/till/cluster/promote {"unsafe":true}']);
});

test('a store of a pair is found by its model when the member is named', async () => {
  const scratch = scratchDirectory();
  const app = '<app name="till" mainClass="./till.js#Till"><storage><clustering/></storage></app>';
  const hosts = ['one', 'two'].map((xvm) => `<xvm name="${xvm}"><apps><app name="till"/></apps></xvm>`).join('');
  writeFileSync(join(scratch.path, 'model.xml'), `<model><apps>${app}</apps><xvms>${hosts}</xvms></model>`);
  const list = (...argv: string[]): Promise<Outcome> =>
    aep(scratch.path, ['journal', 'list', '--model', 'model.xml', '--types', './none.js', ...argv]);
  const unnamed = await aep(scratch.path, ['journal', 'verify', '--model', 'model.xml']);
  assert.equal(unnamed.exitCode, ExitCode.usage);
  assert.match(unnamed.err, /a group of one, two: name one with --xvm/);
  const wrong = await aep(scratch.path, ['journal', 'verify', '--model', 'model.xml', '--xvm', 'twoo']);
  assert.match(wrong.err, /did you mean "two"/);
  const named = await aep(scratch.path, ['journal', 'verify', '--model', 'model.xml', '--xvm', 'two']);
  assert.match(named.err, /AEP_STORE_MISSING: there is no store at .*data\/till\/two/);
  assert.equal((await list('--xvm', 'two')).exitCode, ExitCode.unreachable);
  scratch.remove();
});
