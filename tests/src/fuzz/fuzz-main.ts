import process from 'node:process';
import { parseArgs } from 'node:util';
import { describeFinding, faultOf, fuzz, type FuzzReport, inputOf } from './fuzz-run.js';
import type { FuzzTarget } from './target.js';
import { FUZZ_TARGETS } from './targets.js';
import { HANG_MS, Watchdog } from './watchdog.js';

/**
 * `npm run fuzz -- [--target NAME…] [--runs N] [--seed S]`, and to see one execution again
 * `--target NAME --input HEX` or `--target NAME --seed S --run K`. Ends with 1 when something was found.
 */
const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true, default: [] },
    runs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    input: { type: 'string' },
    run: { type: 'string' },
  },
});

const names = FUZZ_TARGETS.map(({ name }) => name);
const unknown = values.target.find((name) => !names.includes(name));
const seed = Number(values.seed);
if (unknown !== undefined) {
  complain(`no target "${unknown}": ${names.join(', ')}`);
} else if (values.input !== undefined || values.run !== undefined) {
  await repeat(values.target[0] ?? '');
} else {
  await fuzzAll(FUZZ_TARGETS.filter(({ name }) => values.target.length === 0 || values.target.includes(name)));
}

async function fuzzAll(makers: typeof FUZZ_TARGETS): Promise<void> {
  const targets = makers.map(({ name }) => name);
  const watchdog = new Watchdog({ targets, seed, hangMs: HANG_MS });
  write(`seed ${seed}`);
  for (const [index, maker] of makers.entries()) {
    const target = await maker.open();
    const onRun = (run: number): void => watchdog.onRun(index, run);
    const report = await fuzz(target, { runs: Number(values.runs), seed, onRun });
    target.close?.();
    write(lineOf(report));
    for (const finding of report.findings) complain(describeFinding(finding, seed));
  }
  await watchdog.stop();
}

/** One execution, with what it ends with. */
async function repeat(name: string): Promise<void> {
  const maker = FUZZ_TARGETS.find((one) => one.name === name);
  if (maker === undefined) return complain('--input and --run need one --target');
  const target: FuzzTarget = await maker.open();
  const input = values.input === undefined ? inputOf(target, seed, Number(values.run)) : fromHex(values.input);
  const fault = await faultOf(target, input);
  target.close?.();
  if (fault === undefined) write(`${name}: ${input.length} bytes, nothing wrong`);
  else complain(`${name}: ${fault}`);
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

function lineOf({ target, runs, refused, perSecond, slowestMs, growthBytes, findings }: FuzzReport): string {
  const part = Math.round((100 * refused) / runs);
  return (
    `${target}: ${runs} executions (${part} % refused), ${perSecond} a second, slowest ${slowestMs.toFixed(1)} ms, ` +
    `memory ${growthBytes < 0 ? '' : '+'}${Math.round(growthBytes / 1024)} KiB, ${findings.length} findings`
  );
}

function complain(text: string): void {
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
