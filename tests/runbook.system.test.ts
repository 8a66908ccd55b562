import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Readable, Writable } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from './src/harness/free-ports.js';
import { ROOT } from './src/harness/paths.js';

/** A command of the runbook, and what one sees. */
interface Step {
  readonly line: number;
  readonly command: string;
  readonly output: string;
}

/** What is looked at takes a while to come about, and a switch may be refused on a busy machine; all else is done once. */
const LOOKS = /^aep cluster (status|switch) /;
const WAIT_MS_MAX = 60_000;

test('every command of the runbook does what the page says, in its order', async (context) => {
  const steps = stepsOf(readFileSync(join(ROOT, 'docs', 'runbook.md'), 'utf8'));
  assert.ok(steps.length > 40, `${steps.length} steps`);
  const folder = mkdtempSync(join(tmpdir(), 'aep-runbook-'));
  const shell = new Shell(folder, await environmentOf(folder));
  let isDone = false;
  context.after(async () => {
    await shell.end();
    // Kept when it fails, with the logs of the processes.
    if (isDone) rmSync(folder, { recursive: true, force: true });
  });
  for (const step of steps) await follow(shell, step);
  isDone = true;
});

async function follow(shell: Shell, { line, command, output }: Step): Promise<void> {
  const endMs = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const seen = await shell.run(command);
    if (steady(seen) === steady(output)) return;
    if (!LOOKS.test(command) || performance.now() > endMs)
      assert.fail(`docs/runbook.md:${line}: $ ${command}\n${seen}\ninstead of\n${output}\nin ${shell.folder}`);
    await delay(100);
  }
}

/**
 * Numbers differ from run to run, and columns are as wide as they are. Who has left and come back is listed last: on a busy machine
 * that may happen at any time.
 */
function steady(text: string): string {
  return text
    .replaceAll(/listed (.*)/g, (_, names: string) => `listed ${names.split(', ').toSorted().join(', ')}`)
    .replaceAll(/\d[\d,.]*/g, 'N')
    .replaceAll(/[ \t]+/g, ' ')
    .trim();
}

function stepsOf(page: string): Step[] {
  const steps: { line: number; command: string; output: string }[] = [];
  let isConsole = false;
  for (const [index, text] of page.split('\n').entries()) {
    if (text.startsWith('```')) isConsole = text === '```console';
    else if (!isConsole) continue;
    else if (text.startsWith('$ ')) steps.push({ line: index + 1, command: text.slice(2), output: '' });
    else steps.at(-1)!.output += `${text}\n`;
  }
  // The ports are this test's own.
  return steps.filter(({ command }) => !command.startsWith('export '));
}

/** A folder as a user's, with the example and an `aep` in it. */
async function environmentOf(folder: string): Promise<Record<string, string>> {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const main = join(ROOT, 'packages', 'cli', 'dist', 'main.js');
  writeFileSync(join(bin, 'aep'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  chmodSync(join(bin, 'aep'), 0o755);
  symlinkSync(join(ROOT, 'examples'), join(folder, 'examples'));
  const [a, b, ledger, adminA, adminB] = await freePorts(5);
  return {
    PATH: `${bin}:${process.env['PATH']}`,
    ORDERS_INPUT: join(ROOT, 'examples', 'orders', 'sample.csv'),
    ORDERS_PROCESSOR_PORT: String(a),
    ORDERS_PROCESSOR_PORT_B: String(b),
    ORDERS_LEDGER_PORT: String(ledger),
    ORDERS_ADMIN_A: String(adminA),
    ORDERS_ADMIN_B: String(adminB),
  };
}

/** One bash for all commands, since some set what others use. */
class Shell {
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly ended: Promise<unknown>;
  private text = '';
  private count = 0;

  constructor(
    readonly folder: string,
    environment: Readonly<Record<string, string>>,
  ) {
    // A group of its own: what it starts in the background ends with it.
    this.child = spawn('bash', [], {
      cwd: folder,
      detached: true,
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      stream.on('data', (data: Buffer) => (this.text += data.toString()));
    this.ended = new Promise((resolve) => this.child.once('close', resolve));
    // Bash tells of each process that was killed.
    this.child.stdin.write('exec 3>&2 2>/dev/null\n');
  }

  /** What a command says on both streams. */
  async run(command: string): Promise<string> {
    const mark = `--- done ${++this.count} ---`;
    this.text = '';
    this.child.stdin.write(`{ ${command}\n} 2>&3\necho '${mark}'\n`);
    const endMs = performance.now() + WAIT_MS_MAX;
    while (!this.text.includes(mark)) {
      assert.ok(performance.now() < endMs, `$ ${command} hangs: ${this.text}`);
      await delay(5);
    }
    return this.text.replace(`${mark}\n`, '');
  }

  async end(): Promise<void> {
    process.kill(-this.child.pid!, 'SIGKILL');
    await this.ended;
  }
}
