import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FollowedTeller, ledgerOf } from './followed-teller.js';
import { ledgerApp } from './ledger-app.js';

for (const [instruction, field, got] of [
  ['noisy', 'outbound\\[0\\]\\.balance', '7'],
  ['hidden', 'state', ''],
] as const) {
  test(`with verifyReplay a backup names the first transaction whose ${field} is not the primary's ("${instruction}"), and takes the state over at the next snapshot (H11)`, async () => {
    const pair = await new FollowedTeller({ verifyReplay: true, limits: { snapshotEvery: 8 } }).start();
    pair.behaviour.noise = 5;
    await pair.begin();
    await pair.deliver('', 'note', instruction, instruction, '');
    await pair.feed();
    const [problem] = pair.problems;
    assert.equal(pair.problems.length, 1, 'the first, and not what follows from it');
    assert.equal(problem?.code, 'AEP_REPLAY_DIFFERS');
    assert.match(problem.message, new RegExp(`transaction 3 \\(bank\\.Deposit from deposits@bank-bus\\) .*${field}`));
    assert.deepEqual([problem.facts['txId'], problem.facts['engine']], [3, 'teller']);
    if (got !== '') assert.deepEqual([problem.facts['expected'], problem.facts['got']], ['4', '8']);
    const alerts = pair.primary.world.lines.filter(({ facts }) => facts['alert'] === 'ReplayDiffers');
    assert.equal(alerts.length, 1);
    // The snapshot says what the state is; from then on it is compared again.
    await pair.deliver('', '', '', '');
    await pair.feed();
    assert.deepEqual(ledgerOf(await pair.standby.next), ledgerOf(pair.primary.engine));
    assert.equal(pair.problems.length, 1);
    await pair.deliver(instruction);
    await pair.feed();
    assert.equal(pair.problems.length, 2);
    assert.match(pair.standby.status().firstProblem!, /transaction 3 /);
    await pair.ends(pair.primary.engine);
  });
}

test('without verifyReplay nothing is compared, and records have no digest (H11)', async () => {
  const pair = await new FollowedTeller().start();
  pair.behaviour.noise = 5;
  await pair.begin();
  await pair.deliver('hidden', 'noisy');
  await pair.feed();
  assert.deepEqual([pair.problems.length, pair.standby.status().txId], [0, 2]);
  const plain = pair.primary.store.disk.runs.reduce((bytes, run) => bytes + run.end - run.start, 0);
  const compared = await new FollowedTeller({ verifyReplay: true }).start();
  await compared.deliver('hidden', 'noisy');
  const withDigest = compared.primary.store.disk.runs.reduce((bytes, run) => bytes + run.end - run.start, 0);
  assert.ok(withDigest > plain, `${withDigest} bytes, ${plain} without`);
  await pair.ends(pair.primary.engine);
  await compared.ends(compared.primary.engine);
});

test('a restart compares as it replays, and says where it differs (E60)', async () => {
  const options = { verifyReplay: true };
  const pair = await new FollowedTeller(options).start();
  await pair.deliver('', 'hidden');
  const { primary } = pair;
  await primary.restart(
    ledgerApp(undefined, () => 2),
    options,
  );
  const said = primary.world.lines.filter(({ facts }) => facts['alert'] === 'ReplayDiffers');
  assert.match(said[0]!.message, /AEP_REPLAY_DIFFERS: replay of transaction 2 .* differs in state/);
  await pair.ends(primary.engine);
});
