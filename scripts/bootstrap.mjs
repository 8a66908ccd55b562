// Makes a fresh clone ready: installs the dependencies with the pinned pnpm when they are missing or older than the
// lockfile and, with --build, compiles everything, or with `--build FOLDER…` these projects and what they stand on.
// Plain node modules only: it runs before anything is installed.
// It says nothing when there is nothing to do, and needs no network then.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'node_modules', '.aep-installed');

refuseOldNode();
if (!isInstalled()) install();
const [build, ...projects] = process.argv.slice(2);
if (build === '--build') compile(projects);

function refuseOldNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if ((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22) return;
  fail(`Node ${process.versions.node} is not supported: this project needs Node 20.19 or later, or 22.12 or later.`);
}

/** The lockfile and every manifest are what an install depends on; a stamp newer than all of them says it was done. */
function isInstalled() {
  if (!existsSync(join(root, 'node_modules', 'typescript'))) return false;
  // A person who ran pnpm by hand has no stamp of ours, but pnpm's own record.
  const records = [stamp, join(root, 'node_modules', '.modules.yaml')].filter((path) => existsSync(path));
  if (records.length === 0) return false;
  const installedMs = Math.max(...records.map((path) => statSync(path).mtimeMs));
  const inputs = ['pnpm-lock.yaml', 'pnpm-workspace.yaml'].map((name) => join(root, name));
  return inputs.every((path) => statSync(path).mtimeMs <= installedMs);
}

function install() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  console.error(`Installing dependencies with ${packageManager} …`);
  const args = ['exec', '--yes', `--package=${packageManager}`, '--', 'pnpm', 'install', '--frozen-lockfile'];
  // CI=true makes pnpm replace an outdated node_modules without asking; nobody may be there to answer.
  const env = { ...process.env, CI: 'true' };
  const result = spawnSync('npm', [...args, '--reporter=append-only'], {
    cwd: root,
    env,
    encoding: 'utf8',
    shell: isWindows(),
  });
  if (result.error) fail(`npm could not be started (${result.error.message}): is npm on the PATH?`);
  if (result.status !== 0) {
    process.stderr.write(`${result.stdout}${result.stderr}`);
    fail('The installation failed; what pnpm said is above. Does the network reach the npm registry?');
  }
  writeFileSync(stamp, '');
}

function compile(folders) {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const result = spawnSync(process.execPath, [tsc, '-b', ...folders], { cwd: root, stdio: ['ignore', 2, 2] });
  if (result.status !== 0) fail('The build failed; the compiler says why above.');
}

function isWindows() {
  return process.platform === 'win32';
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
