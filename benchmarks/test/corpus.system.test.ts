import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** Enough to run every line of a case; nothing is said of speed. */
const SCALE = '0.001';
const CASE_MS_MAX = 120_000;
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

interface Report {
  readonly name: string;
  readonly figures: readonly { readonly name: string; readonly value: number; readonly unit: string }[];
  readonly ratios: readonly { readonly name: string; readonly value: number; readonly against: string }[];
  readonly didNotRun?: string;
}

const directory = mkdtempSync(join(tmpdir(), 'aep-bench-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const names = (await run(['--list'])).trim().split('\n');

// Two at a time: most of a case is waiting for processes and stores that open.
suite('a moment of every case', { concurrency: 2 }, () => {
  for (const line of names) {
    const name = line.split(' ')[0]!;
    test(`${name} runs, and its figures are sane`, { timeout: CASE_MS_MAX }, async (context) => {
      assert.match(line, /\[durability: (disk|os|none)\]/);
      const place = join(directory, name.replace('/', '-'));
      const output = await run(['--exact', '--json', '--scale', SCALE, '--directory', place, name]);
      const { figures, ratios, didNotRun } = JSON.parse(output) as Report;
      if (didNotRun !== undefined) context.diagnostic(`${name} DID NOT RUN: ${didNotRun}`);
      else assert.ok(figures.length > 0, 'a case that runs has figures');
      for (const { name: what, value } of [...figures, ...ratios]) {
        assert.ok(Number.isFinite(value), `${what} is ${value}`);
        // Differences may come out below nothing.
        if (!/cost|beside/.test(what)) assert.ok(value >= 0, `${what} is ${value}`);
      }
      assert.deepEqual(readdirSync(place), [], 'a case leaves nothing behind');
    });
  }
});

test('a profile is written of every process of a case', { timeout: CASE_MS_MAX }, async () => {
  const profiles = mkdtempSync(join(tmpdir(), 'aep-bench-profiles-'));
  try {
    const flags = ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
    await run(['--exact', '--scale', SCALE, '--directory', directory, 'tcp/64'], flags);
    // The source, the engine's and the bare loop's; a store's check in a child of its own may come on top.
    assert.ok(readdirSync(profiles).length >= 3, readdirSync(profiles).join(', '));
  } finally {
    rmSync(profiles, { recursive: true, force: true });
  }
});

test('a filter that matches no case ends with 2 and names the cases', async () => {
  await assert.rejects(run(['no-such-case']), /no case matches no-such-case; there are .*engine\/saturated/);
});

function run(args: readonly string[], flags: readonly string[] = []): Promise<string> {
  const env = { ...process.env, NODE_ENV: 'production' };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [...flags, MAIN, ...args], { env, timeout: CASE_MS_MAX }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${error.message}\n${stdout}${stderr}`));
    });
  });
}
