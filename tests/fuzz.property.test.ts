import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { AepError } from '@aep/kernel';
import { describeFinding, faultOf, fuzz, inputOf } from './src/fuzz/fuzz-run.js';
import { bytesOfText, type FuzzTarget } from './src/fuzz/target.js';
import { FUZZ_TARGETS } from './src/fuzz/targets.js';
import { HANG_MS, Watchdog } from './src/fuzz/watchdog.js';

const seed = Number(process.env['AEP_SEED'] ?? 20_261_121);
/** Its valid inputs want more than a fuzz run has, a store and a running xvm: some are refused for that. */
const REFUSES_VALID_INPUT = 'cli';

const targets = FUZZ_TARGETS.map(({ name }) => name);
const watchdog = new Watchdog({ targets, seed, hangMs: HANG_MS });
after(() => watchdog.stop());

for (const [index, maker] of FUZZ_TARGETS.entries()) {
  describe(`${maker.name}, given mutated input (AEP_SEED=${seed})`, () => {
    it('takes it or refuses it with a code, soon and without keeping memory', async () => {
      const target = await maker.open();
      try {
        const onRun = (run: number): void => watchdog.onRun(index, run);
        const report = await fuzz(target, { runs: target.testRuns, seed, onRun });
        const found = report.findings.map((finding) => describeFinding(finding, seed));
        assert.equal(found.length, 0, found.join('\n'));
        // A target that refuses everything, or nothing, is not reached by the input.
        assert.ok(report.refused > 0 && report.refused < report.runs, `${report.refused} of ${report.runs} refused`);
      } finally {
        target.close?.();
      }
    });

    it('takes the valid inputs that the mutated ones are made from', async () => {
      const target = await maker.open();
      try {
        for (const input of target.seeds) {
          assert.equal(await faultOf(target, input.slice()), undefined);
          if (maker.name !== REFUSES_VALID_INPUT) await target.run(input.slice());
        }
      } finally {
        target.close?.();
      }
    });
  });
}

describe('the fuzzer', () => {
  const hex = (input: Uint8Array): string => Buffer.from(input).toString('hex');
  const targetThat = (run: FuzzTarget['run']): FuzzTarget => {
    return { name: 'planted', testRuns: 1, seeds: [bytesOfText('valid')], tokens: [], run };
  };

  it('finds an error without a code and a broken invariant, with the input that shows it again', async () => {
    for (const thrown of [new TypeError('planted'), new AepError('AEP_ASSERTION', 'fatal', 'planted')]) {
      const target = targetThat((input) => {
        if (input.length > 6) throw thrown;
      });
      const { findings } = await fuzz(target, { runs: 200, seed });
      const [first] = findings;
      assert.ok(first !== undefined && first.input !== undefined && first.input.length > 6);
      assert.match(first.what, /planted/);
      assert.equal(hex(inputOf(target, seed, first.run!)), hex(first.input), 'seed and number give the input again');
      assert.match(describeFinding(first, seed), new RegExp(`--target planted --input ${hex(first.input)}`));
      assert.match((await faultOf(target, first.input)) ?? '', /planted/);
    }
  });

  it('takes an error with a code for an answer', async () => {
    const refusing = targetThat(() => {
      throw new AepError('AEP_PLANTED', 'reject', 'no');
    });
    const { findings, refused } = await fuzz(refusing, { runs: 50, seed });
    assert.deepEqual([findings.length, refused], [0, 50]);
  });

  it('finds an execution that takes long each time it is run, and not one that was held up once', async () => {
    const slow = targetThat(() => busyFor(130));
    const { findings } = await fuzz(slow, { runs: 1, seed });
    assert.match(findings[0]?.what ?? '', /it takes \d+ ms/);
    let calls = 0;
    const heldUp = targetThat(() => (calls++ === 0 ? busyFor(130) : undefined));
    assert.deepEqual((await fuzz(heldUp, { runs: 1, seed })).findings, []);
  });

  it('finds memory that is kept', async () => {
    const kept: Uint8Array[] = [];
    const leaking = targetThat(() => void kept.push(new Uint8Array(200_000)));
    const { findings } = await fuzz(leaking, { runs: 200, seed });
    assert.match(findings.at(-1)?.what ?? '', /memory in use has grown/);
  });
});

/** Of the processor's time: others may have it too. */
function busyFor(durationMs: number): void {
  const before = process.cpuUsage();
  for (let spentMs = 0; spentMs < durationMs;) {
    const { user, system } = process.cpuUsage(before);
    spentMs = (user + system) / 1_000;
  }
}
