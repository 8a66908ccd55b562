import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadModel } from '@aep/model';
import { foldCsv } from './independent-fold.js';

const HOME = fileURLToPath(new URL('../../', import.meta.url));
const START = join(HOME, '..', '..', 'scripts', 'start.mjs');
const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';

const folder = mkdtempSync(join(tmpdir(), 'aep-orders-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('the last line of --json is what an independent reading of the sample gives, and rejected lines are reported', () => {
  const { status, stdout, stderr } = start('--data', join(folder, 'sample'), '--json');
  assert.equal(status, 0, stderr);
  const expected = foldCsv(readFileSync(join(HOME, 'sample.csv')));
  assert.deepEqual(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? ''), expected);
  assert.equal(stderr.match(/^line \d+ rejected: /gm)?.length, expected.rejected);
  assert.match(stderr, /^line 57 rejected: Quantity: .*"six"$/m);
});

test('without --json a table for people is printed', () => {
  const { status, stdout } = start('--data', join(folder, 'sample'));
  assert.equal(status, 0);
  assert.match(stdout, /^United Kingdom +177 +61 +3,842 +16,850\.58$/m);
  assert.match(stdout, /^ledger: 341 of 341 events/m);
});

test('an input of nothing but a header gives a summary of zeros', () => {
  const { status, stdout } = start(
    '--input',
    write('empty.csv', `${HEADER}\n`),
    '--data',
    join(folder, 'zeros'),
    '--json',
  );
  assert.equal(status, 0);
  assert.equal(
    stdout.trim(),
    '{"lines":0,"orders":0,"cancelledLines":0,"customers":0,"events":0,"byCountry":{},"ledger":{"lines":0,"quantity":0,"amountPence":0},"rejected":0}',
  );
});

test('two inputs in one data directory do not mix', () => {
  const data = join(folder, 'two');
  const line = '1,10000,X,1,12/1/10 8:26,1.5,,Japan';
  const lines = (name: string, text: string): unknown =>
    JSON.parse(start('--input', write(name, text), '--data', data, '--json').stdout).lines;
  assert.equal(lines('one.csv', `${HEADER}\n${line}\n`), 1);
  assert.equal(lines('other.csv', `${HEADER}\n${line}\n${line}\n`), 2);
  assert.equal(lines('same-as-one.csv', `${HEADER}\n${line}\n`), 1);
});

test('what cannot be run ends with code 2 and one line that says why', () => {
  const data = join(folder, 'wrong');
  const cases: readonly [args: readonly string[], message: RegExp][] = [
    [['--inptu', 'x'], /^AEP_ORDERS_USAGE: .*did you mean "input"/],
    [
      ['--input', join(folder, 'absent.csv'), '--data', data],
      /^AEP_ORDERS_INPUT: .*absent\.csv cannot be read: there is no such file/,
    ],
    [['--input', folder, '--data', data], /^AEP_ORDERS_INPUT: .*it is a directory/],
    [
      ['--input', write('other.txt', 'a,b\n1,2\n'), '--data', data],
      /^AEP_ORDERS_HEADER: .*other\.txt: line 1 must name the columns/,
    ],
  ];
  for (const [args, message] of cases) {
    const { status, stdout, stderr } = start(...args);
    assert.equal(status, 2, stderr);
    assert.equal(stdout, '');
    assert.match(stderr, message);
  }
});

test('--help tells the options', () => {
  const { status, stdout } = start('--help');
  assert.equal(status, 0);
  for (const option of ['--input', '--data', '--json']) assert.ok(stdout.includes(option));
});

test('the model says the same in XML and in JSON', () => {
  const load = (file: string): unknown => loadModel({ text: readFileSync(join(HOME, file), 'utf8'), file });
  assert.deepEqual(load('model.json'), load('model.xml'));
});

function start(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [START, ...args], {
    encoding: 'utf8',
    timeout: 60_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}
