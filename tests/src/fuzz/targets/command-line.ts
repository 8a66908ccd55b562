import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CliFiles, type CliIo, type CliStream, ExitCode, type HttpAnswer, runCli } from '@aep/cli';
import { AepError, VirtualClock } from '@aep/kernel';
import { ORDERS_MODEL } from '../../harness/paths.js';
import { bytesOfText, choiceOf, type FuzzTarget, textOfBytes, tokensOf } from '../target.js';

/** Command lines of `aep`: one argument a line. Files are in memory, the machine is sound, the xvm answers anything. */
export function openCommandLine(): FuzzTarget {
  const cwd = mkdtempSync(join(tmpdir(), 'aep-fuzz-'));
  const model = readFileSync(ORDERS_MODEL, 'utf8');
  const exitCodes = new Set<number>(Object.values(ExitCode));
  return {
    name: 'cli',
    testRuns: 600,
    seeds: LINES.map((line) => bytesOfText(line.replaceAll(' ', '\n'))),
    tokens: [
      ...tokensOf(...FLAGS.flatMap((flag) => [`\n${flag}`, `\n${flag}\n`])),
      ...tokensOf('\n', '=', '\0', '__proto__', '\n9'.repeat(20)),
    ],
    run: async (input) => {
      const argv = textOfBytes(input).split('\n');
      const io = new FuzzedIo(cwd, choiceOf(input), argv.includes('run') ? '<model><apps' : model);
      const exitCode = await runCli(argv, io);
      const said = io.stderr.text;
      if (!exitCodes.has(exitCode) || /AEP_CLI_UNEXPECTED|AEP_ASSERTION/.test(said)) {
        throw new Error(`aep ${JSON.stringify(argv)}: exit ${exitCode}: ${said.slice(0, 500)}`);
      }
      if (exitCode > ExitCode.problemsFound && !/AEP_[A-Z]|^Usage:/.test(said)) {
        throw new Error(`aep ${JSON.stringify(argv)}: exit ${exitCode} without a code: ${said.slice(0, 500)}`);
      }
      if (exitCode > ExitCode.problemsFound) throw new AepError('AEP_CLI_REFUSED', 'reject', said.slice(0, 100));
    },
    close: () => rmSync(cwd, { recursive: true, force: true }),
  };
}

/** Command lines that work, or nearly. */
const LINES = [
  'validate model.xml',
  'config print model.xml --origin',
  'config print model.xml --json --profile x --set a=b',
  'generate a.proto --out gen',
  'schema check a.proto a.proto',
  'send --admin http://127.0.0.1:1 --channel c --type t --message {}',
  'command total --least 3 --admin http://127.0.0.1:1',
  'stats --model model.xml --count 1',
  'journal list ledger --from 1 --to 5 --where account=alice',
  'journal list --model model.xml --app gateway --data .',
  'journal show 3 ledger',
  'journal verify ledger nothing',
  'state show ledger --collection accounts --key 0x616c',
  'state diff ledger 1 3',
  'dead-letters list ledger --type ledger.Deposit',
  'dead-letters replay 4 --admin http://127.0.0.1:1',
  'dead-letters discard --all --dry-run --admin http://127.0.0.1:1',
  'doctor --data . --model model.xml',
  'completion bash',
  'run model.xml',
];

const FLAGS = [
  '--json',
  '--debug',
  '--help',
  '--no-color',
  '--from',
  '--limit',
  '--last',
  '--at',
  '--key',
  '--type',
  '--where',
  '--types',
  '--app',
  '--model',
  '--admin',
  '--xvm',
  '--data',
  '--all',
  '--edit',
  '--check',
  '--profile',
  '--set',
  '--watch',
  '--',
  '-x',
  '--=',
  '--json=1',
];

const APP =
  '{"name":"gateway","state":"started","messaging":"started","role":"primary","statistics":{"lastTxId":1,"counters":{}}}';

/** What servers answer that are xvms, or are none, or are of another version. */
const ANSWERS = [
  `{"xvm":"x","state":"started","apps":[${APP}],"commands":[],"deadLetters":[],"matched":[],"done":[],"failed":[]}`,
  `{"apps":[${APP}],"commands":[{"name":"total","options":{"least":{"type":"integer"}}}],"matched":[4]}`,
  '{"apps":[{}],"commands":[{}],"deadLetters":[{}]}',
  '{"apps":[{"name":"gateway","statistics":{}}],"commands":{},"deadLetters":7}',
  '{"apps":[null]}',
  '{"apps":7}',
  '{}',
  '[]',
  'null',
  'not JSON',
  '{"code":"AEP_X","message":7}',
  '"text"',
  '',
];

class KeptStream implements CliStream {
  readonly isTty = false;
  readonly columns = undefined;
  text = '';

  write(text: string): boolean {
    this.text += text;
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }
}

/** A process without disk, network or signals; whatever would wait has been interrupted. */
class FuzzedIo implements CliIo {
  readonly stdout = new KeptStream();
  readonly stderr = new KeptStream();
  readonly env = {};
  readonly clock = new VirtualClock();
  readonly process = { on: () => undefined, off: () => undefined, exit: () => undefined };
  readonly interrupted = AbortSignal.abort();
  readonly files: CliFiles;
  readonly machine = {
    nodeVersion: '22.20.0',
    syncTimesMs: (_directory: string, count: number): number[] => Array.from({ length: count }, () => 0.5),
    freeBytes: () => 50 * 1024 ** 3,
    fileDescriptorLimit: () => 65_536,
    tryStore: () => Promise.resolve(),
    isPortFree: () => Promise.resolve(true),
  };

  constructor(
    readonly cwd: string,
    private readonly choice: number,
    model: string,
  ) {
    const texts = new Map([
      ['model.xml', model],
      ['a.proto', 'syntax = "proto3"; package a; message A { string b = 1; repeated A c = 2; }'],
      ['message.json', '{}'],
    ]);
    const textOf = (path: string): string | undefined => texts.get(path.split('/').at(-1)!);
    this.files = {
      readText: (path) => textOf(path) ?? refuseFile(path),
      writeText: () => undefined,
      exists: (path) => textOf(path) !== undefined,
      isDirectory: (path) => path.endsWith('.') || path.endsWith('gen'),
      filesBelow: () => ['a.proto'],
    };
  }

  readStdin(): Promise<string> {
    return Promise.resolve('{"a": 1}');
  }

  importModule(specifier: string): Promise<Readonly<Record<string, unknown>>> {
    return Promise.reject(new Error(`Cannot find module '${specifier}'`));
  }

  request(): Promise<HttpAnswer> {
    const status = [200, 200, 200, 404, 500, 401][(this.choice >>> 8) % 6]!;
    if ((this.choice >>> 16) % 8 === 0) return Promise.reject(new Error('fetch failed'));
    return Promise.resolve({ status, text: ANSWERS[this.choice % ANSWERS.length]! });
  }
}

function refuseFile(path: string): never {
  throw new AepError('AEP_CLI_FILE', 'reject', `${path} cannot be read: no such file`);
}
