import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { KillRound } from './src/harness/kill-round.js';
import { MEMBERS, memberStore, PairProcesses } from './src/harness/pair-processes.js';
import { ROOT } from './src/harness/paths.js';

/**
 * What older builds left on the disk: a pair of the order example and its arbiter, killed (`kill -9`) after the first 200 lines of the
 * sample and one failover. The folders say the format of the stores; records have format 1 in both. Whoever raises a format keeps
 * these, and adds one of the build before.
 */
const FIXTURES = join(ROOT, 'tests', 'fixtures');
const SAMPLE = join(ROOT, 'examples', 'orders', 'sample.csv');

describe('disks that an older build wrote (H14)', () => {
  it('are those of a pair that goes on where it stopped, fails over, and ends with the result of the whole input', async (context) => {
    const { round, pair } = await pairOn(context, 'pair-of-store-format-2');
    await pair.startAll();
    const first = pair.primary!;
    await pair.process(first).kill('SIGKILL');
    await pair.until('the other one takes over', () => pair.primary === pair.other(first));
    pair.start(first);
    await round.checkResult(await pair.finish());
    await pair.stopAll();
  });

  for (const lost of MEMBERS) {
    it(`give all that they hold to a new member in the place of ${lost}`, async (context) => {
      const { round, pair, data } = await pairOn(context, 'pair-of-store-format-2');
      rmSync(memberStore(data, lost), { recursive: true });
      const keeper = pair.other(lost);
      pair.start('ledger');
      await pair.boot(keeper);
      pair.start(lost);
      await pair.paired();
      // From now on what the older build wrote is only where it was copied to.
      await pair.process(keeper).kill('SIGKILL');
      await pair.until('the new member takes over', () => pair.primary === lost);
      pair.start(keeper);
      await pair.boot('gateway');
      await round.checkResult(await pair.finish());
      await pair.stopAll();
    });
  }

  it('of a format that this build does not read are refused with AEP_STORE_FORMAT and left as they are; the partner goes on', async (context) => {
    const { pair, data } = await pairOn(context, 'pair-of-store-format-2');
    const store = memberStore(data, 'processor-b');
    rmSync(store, { recursive: true });
    unpack(join(FIXTURES, 'pair-of-store-format-1', 'order-processor', 'processor-b'), store);
    const before = digestOf(store);
    pair.start('ledger');
    pair.start('processor-a');
    const refused = pair.start('processor-b');
    const { code } = await refused.ended;
    assert.equal(code, 78, refused.errors);
    assert.match(refused.errors, /AEP_STORE_FORMAT/);
    assert.match(refused.errors, /has format 1; this build reads 2: use the build that wrote it/);
    assert.equal(digestOf(store), before);
    assert.notEqual(await pair.process('processor-a').line(/^started$/), undefined);
    // Once its files are out of the way it gets everything from its partner.
    rmSync(store, { recursive: true });
    pair.start('processor-b');
    await pair.paired();
    await pair.boot('gateway');
    await pair.finish();
  });
});

async function pairOn(context: TestContext, fixture: string) {
  const folder = mkdtempSync(join(tmpdir(), 'aep-older-'));
  const round = new KillRound({ seed: 1, folder, killsMax: 0, lineCount: 0, input: SAMPLE });
  const data = join(folder, 'pair');
  unpack(join(FIXTURES, fixture), data);
  const pair = await PairProcesses.create({ log: round.log, data, input: SAMPLE });
  context.after(async () => {
    await pair.killAll();
    rmSync(folder, { recursive: true, force: true });
  });
  return { round, pair, data };
}

function unpack(from: string, to: string): void {
  for (const name of filesOf(from)) {
    const file = join(to, name.slice(0, -'.gz'.length));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, gunzipSync(readFileSync(join(from, name))));
  }
}

/** Of the data: locks and marks of a running process come and go. */
function digestOf(folder: string): string {
  const hash = createHash('sha256');
  for (const name of filesOf(folder).filter((one) => one.endsWith('data.mdb')))
    hash.update(readFileSync(join(folder, name)));
  return hash.digest('hex');
}

function filesOf(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => statSync(join(folder, name)).isFile()).toSorted();
}
