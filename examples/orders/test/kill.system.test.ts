import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SeededRandom } from '@aep/kernel';
import { foldCsv } from './independent-fold.js';

const START = fileURLToPath(new URL('../../../../scripts/start.mjs', import.meta.url));
const LINES = 8_000;
const KILLS = 8;
const HANGS_AFTER_MS = 60_000;

test('a run that is killed again and again ends with the result of an undisturbed one, and once more changes nothing', async (context) => {
  const seed = Number(process.env['AEP_SEED'] ?? Date.now() % 1_000_000);
  context.diagnostic(`seed ${seed} (AEP_SEED=${seed} repeats the input and the moments of the kills)`);
  const random = new SeededRandom(seed);
  const folder = temporaryFolder(context);
  const input = join(folder, 'input.csv');
  const bytes = randomCsv(random);
  writeFileSync(input, bytes);

  const undisturbed = await run(input, join(folder, 'undisturbed'));
  assert.deepEqual(JSON.parse(undisturbed.lastLine), foldCsv(bytes));

  const data = join(folder, 'killed');
  let killed = 0;
  for (let attempt = 0; attempt < KILLS; attempt++) {
    // From before the first line is read to near the end.
    const outcome = await run(input, data, random.below(undisturbed.tookMs));
    if (outcome.signal === 'SIGKILL') killed++;
    else assert.equal(outcome.lastLine, undisturbed.lastLine);
  }
  assert.ok(killed > 0, 'no run was killed before its end');
  assert.equal((await run(input, data)).lastLine, undisturbed.lastLine);
  assert.equal((await run(input, data)).lastLine, undisturbed.lastLine);
});

interface Outcome {
  readonly lastLine: string;
  readonly signal: NodeJS.Signals | null;
  readonly tookMs: number;
}

/** Runs the example as a person does; with `killAfterMs`, until then. */
async function run(input: string, data: string, killAfterMs?: number): Promise<Outcome> {
  const startMs = performance.now();
  const child = spawn(process.execPath, [START, '--input', input, '--data', data, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs ?? HANGS_AFTER_MS);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('close', (...args) => resolve(args));
  });
  clearTimeout(timer);
  if (killAfterMs === undefined) assert.equal(signal, null, `a run did not end within ${HANGS_AFTER_MS} ms: ${errors}`);
  if (signal === null) assert.equal(code, 0, errors);
  return { lastLine: output.trimEnd().split('\n').at(-1) ?? '', signal, tookMs: performance.now() - startMs };
}

function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'aep-orders-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Every hundredth line is malformed. */
function randomCsv(random: SeededRandom): Buffer {
  const countries = ['United Kingdom', 'France', 'EIRE', 'Channel Islands', 'Japan', 'USA'];
  const lines = ['InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country'];
  for (let line = 0; line < LINES; line++) {
    const invoice = `${random.below(15) === 0 ? 'C' : ''}${500_000 + Math.floor(line / 7)}`;
    const quantity = random.below(100) === 0 ? 'many' : (random.below(20) === 0 ? -1 : 1) * random.below(200);
    const price = `${random.below(50)}.${String(random.below(100)).padStart(2, '0')}`;
    const customer = random.below(5) === 0 ? '' : 10_000 + random.below(900);
    lines.push(
      `${invoice},${10_000 + random.below(80_000)},"GIFT, SMALL",${quantity},12/1/10 8:26,${price},${customer},${countries[random.below(6)]}`,
    );
  }
  return Buffer.from(lines.join('\n'));
}
