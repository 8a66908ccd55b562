import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, test } from 'node:test';
import { VirtualClock } from '@aep/kernel';
import { APP_MODULE } from './ledger-store.js';
import { overHttp, RunningXvm } from './running-xvm.js';
import { aep, aepJson, scratchDirectory } from './test-io.js';

const readme = fileURLToPath(new URL('../../README.md', import.meta.url));
const scratch = scratchDirectory();
const cwd = scratch.path;
after(() => scratch.remove());
/** AEP_REWRITE=1 writes the outputs into the README; the diff is read. */
const isRewrite = process.env['AEP_REWRITE'] === '1';

/** What differs from run to run reads the same in both texts. */
function steady(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/\b[0-9a-f]{16}\b/g, 'HASH')
    .replaceAll(/\bprocess \d+/g, 'process N')
    .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:PORT')
    .replaceAll(/"timeMs":\d+/g, '"timeMs":N')
    .replaceAll(/\b\d+\.\d+\b|up \d+s|\/tmp\/\S+(?=\/data)/g, 'N')
    .replaceAll(/"atMs":\d+/g, '"atMs":N')
    .replaceAll(/[ \t]+/g, ' ')
    .trim();
}

/** Words of a command line as a shell would split them; single quotes only. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2]!);
}

function prepareDirectory(): void {
  const broken = '<model>\n  <apps><app name="ledger" mainClas="./dist/ledger-app.js#LedgerApp"/></apps>\n</model>\n';
  const proto = readFileSync(new URL('../../test/ledger.proto', import.meta.url), 'utf8');
  writeFileSync(join(cwd, 'ledger.proto'), proto);
  writeFileSync(join(cwd, 'changed.proto'), proto.replace('int32 balance = 2;', 'string balance = 2;'));
  writeFileSync(join(cwd, 'broken.xml'), broken);
  writeFileSync(join(cwd, 'fixed.json'), '{"account":"carol","amount":12}');
  mkdirSync(join(cwd, 'data'));
  symlinkSync(fileURLToPath(new URL('.', import.meta.url)), join(cwd, 'dist'));
}

/** A send is answered when it is stable; the handler of the receiver runs after it. */
async function settle(): Promise<void> {
  for (let quiet = 0; quiet < 2;) {
    const { apps } = await aepJson<{
      apps: { statistics: { inboundQueued: number; inFlight: number; inDoubt: number } }[];
    }>(cwd, ['stats', '--model', 'model.xml', '--interval', '50'], overHttp);
    const busy = apps.some(({ statistics }) => statistics.inboundQueued + statistics.inFlight + statistics.inDoubt > 0);
    quiet = busy ? 0 : quiet + 1;
  }
}

async function execute(line: string): Promise<string> {
  const [command, ...filters] = line.split(' | ');
  const { out, err } = await aep(cwd, wordsOf(command!).slice(1), (io) => {
    overHttp(io);
    if (line === 'aep doctor') io.clock = new VirtualClock(Date.UTC(2026, 0, 1));
  });
  if (line.startsWith('aep send')) await settle();
  if (filters.length === 0) return out + err;
  // The only filter that the README uses.
  const [, pattern, only] = wordsOf(filters[0]!);
  const lines = out.split('\n').filter((text) => text.includes(pattern!));
  return lines.map((text) => (only === '-o' ? pattern! : text)).join('\n');
}

test('every example of the README is run and prints what the README says', async () => {
  prepareDirectory();
  const text = readFileSync(readme, 'utf8');
  let xvm: RunningXvm | undefined;
  let rewritten = text;
  const keepAlive = setInterval(() => {}, 1_000);
  const problems: string[] = [];
  try {
    for (const [block, content] of text.matchAll(/```console\n([\s\S]*?)```/g)) {
      const actual: string[] = [];
      for (const line of content!.split('\n').filter((each) => each.startsWith('$ '))) {
        const command = line.slice(2);
        if (command === 'aep validate model.xml') {
          xvm = await RunningXvm.start(cwd);
          const model = join(cwd, 'model.xml');
          writeFileSync(model, readFileSync(model, 'utf8').replace(APP_MODULE, './dist/ledger-app.js'));
        }
        const output = command === 'aep run model.xml' ? xvm!.said : await execute(command);
        actual.push(`${line}\n${output.trimEnd()}`.trimEnd());
      }
      const shown = actual
        .join('\n')
        .replaceAll(`${cwd}/`, '')
        .replaceAll(`127.0.0.1:${xvm?.port ?? 0}`, '127.0.0.1:7500');
      rewritten = rewritten.replace(block, () => `\`\`\`console\n${shown}\n\`\`\``);
      if (steady(content!) !== steady(shown)) problems.push(`--- README\n${content!}\n--- now\n${shown}`);
    }
  } finally {
    clearInterval(keepAlive);
    await xvm?.stop();
  }
  if (isRewrite) writeFileSync(readme, rewritten);
  else assert.equal(problems.length, 0, `${problems.join('\n')}\nAEP_REWRITE=1 writes them`);
});

test('every command has an example in the README', async () => {
  const text = readFileSync(readme, 'utf8');
  const golden = readFileSync(new URL('../../test/golden/help.txt', import.meta.url), 'utf8');
  const groups = new Set(['config', 'schema', 'journal', 'state', 'dead-letters', 'cluster', '']);
  for (const [, command] of golden.matchAll(/^\$ aep (.*?) ?--help$/gm)) {
    if (!groups.has(command!)) assert.ok(text.includes(`\n$ aep ${command!}`), command);
  }
});

test('every file that the anatomy of the package needs is there', () => {
  const packageJson = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    bin: { aep: string };
  };
  copyFileSync(new URL(`../../${packageJson.bin.aep}`, import.meta.url), join(cwd, 'main.js'));
  assert.match(readFileSync(join(cwd, 'main.js'), 'utf8'), /^#!\/usr\/bin\/env node\n/);
});
