import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startXvm, type Xvm } from '@aep/host';
import { buildAdmin } from '@aep/host/internal';
import { FunctionLog, type LogLine } from '@aep/kernel';
import { LedgerApp, type Ledger } from './ledger-app.js';
import { sale, shopModel, temporaryDir, testDir } from './shop.js';

/** The event-sourced till as a member of a group in xvms that share a data directory and its arbiter. */
class Group {
  readonly lines: LogLine[] = [];
  private readonly dataDir: string;
  private readonly started: Xvm[] = [];

  constructor(
    context: TestContext,
    private readonly names: readonly string[],
    private readonly storage: string,
  ) {
    // First this, then the directory goes: a store whose files are taken away does not close.
    context.after(async () => await Promise.all(this.started.map((xvm) => xvm.stop())));
    this.dataDir = temporaryDir(context);
  }

  async start(xvm: string): Promise<Xvm> {
    const till = `<storage><durability>replicated</durability>${this.storage}<clustering/></storage>`;
    const { text, file } = shopModel({ till });
    const xvms = this.names.map((name) => `<xvm name="${name}"><apps><app name="till"/></apps></xvm>`).join('');
    const model = {
      text: text
        .replace('./shop-apps.js#TillApp', './ledger-app.js#LedgerApp')
        .replace(/<xvms>.*<\/xvms>/, `<xvms>${xvms}</xvms>`),
      file,
    };
    const log = new FunctionLog((line) => void this.lines.push(line));
    const started = await startXvm({ model, modelDir: testDir, dataDir: this.dataDir, xvm, log });
    this.started.push(started);
    return started;
  }

  async startAll(): Promise<Xvm[]> {
    const xvms: Xvm[] = [];
    for (const name of this.names) xvms.push(await this.start(name));
    await until(() => primaryOf(xvms) !== undefined && membersOf(xvms[0]!).length === this.names.length);
    return xvms;
  }
}

for (const names of [
  ['one', 'two'],
  ['one', 'two', 'three'],
]) {
  test(`${names.length} members of an event-sourced app lose their primary under load, and the totals are right at the next one, without a replay (H11, H20)`, async (context) => {
    const group = new Group(context, names, '<verifyReplay>true</verifyReplay><snapshotEvery>100</snapshotEvery>');
    const xvms = await group.startAll();
    let sent = 0;
    for (let left = xvms; left.length > 1; left = left.filter(({ state }) => state === 'started')) {
      const primary = primaryOf(left)!;
      for (let count = 0; count < 150; count++, sent++) await primary.engine('till').inject(sale('tea', 1));
      const others = left.filter((xvm) => xvm !== primary);
      await until(() => others.every((xvm) => replayOf(xvm)?.txId === primary.status().apps[0]!.statistics.stableTxId));
      for (const other of others) {
        assert.deepEqual(ledgerOf(other), ledgerOf(primary), 'the state is there before it is needed');
        assert.deepEqual([replayOf(other)?.phase, replayOf(other)?.firstProblem], ['following', undefined]);
      }
      LedgerApp.calls = 0;
      await primary.stop();
      await until(() => primaryOf(others) !== undefined);
      assert.equal(LedgerApp.calls, 0, 'the new primary calls no handler to have its state');
      assert.equal(ledgerOf(primaryOf(others)!).sales, sent);
    }
  });
}

test('with verifyReplay a handler that is not deterministic is named by the backup: alert, status, metrics; the state is that of the primary after the next snapshot (H11, H21)', async (context) => {
  const group = new Group(
    context,
    ['one', 'two'],
    '<verifyReplay>true</verifyReplay><snapshotEvery>20</snapshotEvery>',
  );
  const [one, two] = (await group.startAll()) as [Xvm, Xvm];
  for (const item of ['tea', 'luck', 'tea']) await one.engine('till').inject(sale(item, 1));
  await until(() => replayOf(two)?.problems === 1);
  const expected =
    /AEP_REPLAY_DIFFERS: replay of transaction 2 \(shop\.Sale\) differs in outbound\[0\]\.total: the journal has/;
  assert.match(replayOf(two)!.firstProblem!, expected);
  const { role, events } = two.status().apps[0]!.group!;
  assert.deepEqual([role, events['ReplayDiffers']], ['backup', 1], 'it stays: its records are right');
  const alert = group.lines.find(({ facts }) => facts['alert'] === 'ReplayDiffers');
  assert.match(alert!.message, expected);
  const admin = buildAdmin(two, { address: '127.0.0.1', port: 0, token: null });
  const metrics = (await admin.inject({ method: 'GET', url: '/metrics' })).body;
  assert.match(metrics, /aep_member_events_total\{engine="till",member="two",event="ReplayDiffers"\} 1/);
  const shown = (await admin.inject({ method: 'GET', url: '/apps/till/cluster' })).json<{
    replay: { phase: string };
  }>();
  assert.equal(shown.replay.phase, 'following');
  await admin.close();
  for (let count = 0; count < 30; count++) await one.engine('till').inject(sale('tea', 1));
  await until(() => replayOf(two)!.txId === one.status().apps[0]!.statistics.stableTxId);
  assert.deepEqual(ledgerOf(two), ledgerOf(one));
  assert.equal(replayOf(two)!.problems, 1);
  await one.stop();
  await until(() => primaryOf([two]) === two);
  assert.equal(ledgerOf(two).sales, 33);
});

test('a member that joins a running group has the state of its last snapshot and what came after it, and so has the first one when it comes back (H11, H12)', async (context) => {
  const group = new Group(context, ['one', 'two'], '<snapshotEvery>50</snapshotEvery>');
  const one = await group.start('one');
  for (let count = 0; count < 120; count++) await one.engine('till').inject(sale('tea', 1));
  const two = await group.start('two');
  await until(() => replayOf(two)?.txId === one.status().apps[0]!.statistics.stableTxId);
  assert.deepEqual(ledgerOf(two), ledgerOf(one));
  await one.engine('till').inject(sale('tea', 1));
  await one.stop();
  await until(() => primaryOf([two]) === two);
  await two.engine('till').inject(sale('tea', 1));
  const again = await group.start('one');
  await until(() => replayOf(again)?.txId === two.status().apps[0]!.statistics.stableTxId);
  assert.deepEqual([ledgerOf(again).sales, ledgerOf(two).sales], [122, 122]);
});

test('an initializer that fails on a backup ends the member: it could not take over (E6)', async (context) => {
  const group = new Group(context, ['one', 'two'], '');
  await group.start('one');
  LedgerApp.refusals = 1;
  await assert.rejects(group.start('two'), /the ledger refuses/);
});

function ledgerOf(xvm: Xvm): Ledger {
  return structuredClone(xvm.engine<Ledger>('till').read((state) => state));
}

function replayOf(xvm: Xvm) {
  return xvm.status().apps[0]!.group!.replay;
}

function primaryOf(xvms: readonly Xvm[]): Xvm | undefined {
  return xvms.find((xvm) => {
    const [app] = xvm.status().apps;
    return app!.role === 'primary' && xvm.engine('till').state === 'started';
  });
}

function membersOf(xvm: Xvm): readonly unknown[] {
  return xvm.status().apps[0]!.group!.register?.members ?? [];
}

async function until(condition: () => boolean): Promise<void> {
  for (let waitedMs = 0; !condition(); waitedMs += 5) {
    assert.ok(waitedMs < 20_000, 'waited 20 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
