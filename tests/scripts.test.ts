import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const script = (name: string): string => fileURLToPath(new URL(`../../scripts/${name}`, import.meta.url));

test('a test filter that matches nothing fails and is named, because it must not look like a pass', () => {
  const { status, stdout, stderr } = run('test.mjs', ['no-such-test-anywhere']);
  assert.equal(status, 1);
  assert.match(stderr, /"no-such-test-anywhere"/);
  assert.match(stdout, /^0 passed, 1 failed$/m);
});

test('a filter runs only what matches, and the last line counts it', () => {
  const { status, stdout } = run('test.mjs', ['packages/kernel/build/test/object-pool']);
  assert.equal(status, 0);
  assert.equal(stdout.trimEnd().split('\n').at(-1), '3 passed, 0 failed');
});

test('a bare npm install is refused with what to do instead', () => {
  const { status, stderr } = run('refuse-npm-install.mjs', [], { npm_config_user_agent: 'npm/10.0.0' });
  assert.equal(status, 1);
  assert.match(stderr, /npm test/);
  assert.equal(run('refuse-npm-install.mjs', [], { npm_config_user_agent: 'pnpm/10.34.8 npm/?' }).status, 0);
});

test('bootstrap is quiet and successful when everything is installed', () => {
  const { status, stdout, stderr } = run('bootstrap.mjs', []);
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
});

function run(
  name: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): ReturnType<typeof spawnSync> & { stdout: string; stderr: string } {
  // A test runner inside a test would report to the outer one.
  const { NODE_TEST_CONTEXT: _, ...outer } = process.env;
  return spawnSync(process.execPath, [script(name), ...args], { encoding: 'utf8', env: { ...outer, ...env } });
}
