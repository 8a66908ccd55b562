import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CaseReport, heapBytesOf, median, Schedule, writeResults } from '@aep/benchmarks';

const report: CaseReport = {
  name: 'group/name',
  title: 'what',
  durability: 'disk',
  tookMs: 1,
  load: 0.5,
  figures: [
    { name: 'engine', value: 131_000, unit: 'msg/s', goal: { atLeast: 250_000 } },
    { name: 'bare loop', value: 557_000, unit: 'msg/s' },
  ],
  ratios: [{ name: 'throughput', value: 0.6, against: 'bare loop', goal: { atLeast: 0.5 } }],
  notes: ['it syncs'],
};

test('results stand between their marks, with goals met and not met; the rest of the file stays', () => {
  const folder = mkdtempSync(join(tmpdir(), 'aep-results-'));
  const path = join(folder, 'RESULTS.md');
  try {
    const [begin, end] = ['<!-- results: written by `npm run bench -- --report` -->', '<!-- end of results -->'];
    writeFileSync(path, `before\n${begin}\nold\n${end}\nafter\n`);
    const didNotRun = 'redis-server is not installed';
    writeResults(path, [report, { ...report, name: 'peers/x', figures: [], ratios: [], didNotRun }], { scale: 1 });
    const text = readFileSync(path, 'utf8');
    assert.match(text, /^before\n/);
    assert.match(text, /\nafter\n$/);
    assert.doesNotMatch(text, /old/);
    const rows = text.split('\n').filter((line) => line.includes('`group/name` |'));
    assert.deepEqual(rows, [
      '| `group/name` | disk | engine | 131,000 msg/s | at least 250,000 | **not met** | bare loop 557,000 msg/s |',
      '| `group/name` | disk | throughput | 0.6 × bare loop | at least 0.5 | met |  |',
    ]);
    assert.match(text, /- `group\/name`: it syncs/);
    assert.match(text, /- `peers\/x` DID NOT RUN: redis-server is not installed/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a message is due when its schedule says, however late the one before it was', () => {
  const schedule = new Schedule(1_000, 10);
  schedule.start();
  assert.equal(schedule.dueAtMs(9) - schedule.dueAtMs(0), 9);
  const stalledUntilMs = performance.now() + 20;
  while (performance.now() < stalledUntilMs);
  assert.equal(schedule.dueNow(), 10, 'all that came due while nobody sent, and no more than there are');
});

test('the median of an even number of values lies between the two in the middle', () => {
  assert.equal(median([4, 1, 3]), 3);
  assert.equal(median([4, 1, 3, 2]), 2.5);
});

test('heap bytes of a call that keeps nothing are none, and an array of ten numbers is seen', () => {
  let sum = 0;
  assert.ok(heapBytesOf(() => (sum = (sum + 1) | 0)) < 1);
  const kept: number[][] = [];
  const bytes = heapBytesOf(() => (kept[0] = Array.from({ length: 10 }, (_, index) => index)));
  assert.ok(bytes >= 80, `${bytes} bytes`);
});
