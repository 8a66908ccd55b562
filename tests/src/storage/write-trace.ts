import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { traceWriter, WRITING_CALLS } from './strace.js';

/** Environments of a store: each is a directory with one file that is written. */
export type StoreFile = 'journal' | 'state';

/** What a writer did to its files, in the order in which the calls ended. */
export type TraceStep =
  | {
      readonly kind: 'write';
      readonly file: StoreFile;
      readonly offset: number;
      readonly bytes: Buffer;
      /** Through a file that was opened with O_DSYNC: on the disk when the call ends. */
      readonly isSynced: boolean;
    }
  /** Everything that was written to the file before the step `since` is on the disk. */
  | { readonly kind: 'sync'; readonly file: StoreFile; readonly since: number }
  | { readonly kind: 'report'; readonly text: string }
  /** The store is complete: its making is over. */
  | { readonly kind: 'made' };

/** Runs the reference workload and reads what it did. @throws when it did not end well */
export async function recordTrace(transactions: number, durability: 'disk' | 'os'): Promise<TraceStep[]> {
  const folder = mkdtempSync(join(tmpdir(), 'aep-trace-'));
  mkdirSync(join(folder, 'store'));
  const trace = join(folder, 'trace');
  const calls = ['openat', 'write', 'lseek', 'unlink', 'unlinkat', ...WRITING_CALLS].join(',');
  // -y names the file of each descriptor, -xx and -s give all bytes of all strings.
  const options = ['-y', '-xx', '-s', '10000000', '-o', trace, '-e', `trace=${calls}`];
  const { code, errors } = await traceWriter({ folder, transactions, durability }, options);
  if (code !== 0) throw new Error(`the traced writer ended with ${code}: ${errors}`);
  const steps = new TraceParser(folder).parse(readFileSync(trace, 'latin1'));
  rmSync(folder, { recursive: true, force: true });
  return steps;
}

/** Reads the output of strace. Other calls than those that LMDB makes are errors: a trace that is not understood proves nothing. */
class TraceParser {
  private readonly steps: TraceStep[] = [];
  private readonly positions = new Map<number, number>();
  private readonly syncedDescriptors = new Set<number>();
  /** Calls of other threads that have begun: by thread, the text so far and the step at which they began. */
  private readonly begun = new Map<string, { readonly text: string; readonly since: number }>();

  constructor(private readonly folder: string) {}

  parse(text: string): TraceStep[] {
    for (const line of text.split('\n')) {
      const match = /^(\d+) +(.*)$/.exec(line);
      if (match === null) continue;
      const [, thread = '', call = ''] = match;
      if (call.endsWith('<unfinished ...>')) {
        this.begun.set(thread, { text: call.slice(0, -'<unfinished ...>'.length), since: this.steps.length });
        continue;
      }
      const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(call);
      const begun = this.begun.get(thread);
      if (resumed === null) this.step(call, this.steps.length);
      else if (begun !== undefined) this.step(begun.text + (resumed[1] ?? ''), begun.since);
    }
    return this.steps;
  }

  private step(text: string, since: number): void {
    const match = /^(\w+)\((.*)\) += (-?\d+)/.exec(text);
    if (match === null) return; // signals and exits
    const [, call = '', rest = '', answer = ''] = match;
    const result = Number(answer);
    if (result < 0) return;
    if (call === 'openat') {
      if (rest.includes('O_DSYNC')) this.syncedDescriptors.add(result);
      else this.syncedDescriptors.delete(result);
      return;
    }
    if (call.startsWith('unlink')) {
      this.steps.push({ kind: 'made' });
      return;
    }
    this.onFile(call, rest, since);
  }

  private onFile(call: string, rest: string, since: number): void {
    const match = /^(\d+)<([^>]*)>/.exec(rest);
    if (match === null) throw new Error(`the call ${call} names no file: ${rest.slice(0, 200)}`);
    const descriptor = Number(match[1]);
    const path = unescape(match[2] ?? '').toString();
    const name = path.slice(this.folder.length + 1);
    if (call === 'lseek') {
      this.positions.set(descriptor, Number(/, (\d+), SEEK_SET$/.exec(rest)?.[1]));
      return;
    }
    const data = [...rest.slice(match[0].length).matchAll(/"([^"]*)"/g)].map(([, string = '']) => unescape(string));
    if (name === 'report') {
      this.steps.push({ kind: 'report', text: Buffer.concat(data).toString() });
      return;
    }
    const file = basename(dirname(path)) as StoreFile;
    if (call === 'fdatasync' || call === 'fsync') this.steps.push({ kind: 'sync', file, since });
    else if (call === 'pwrite64') this.write(descriptor, file, Number(/, (\d+)$/.exec(rest)?.[1]), Buffer.concat(data));
    else if (call === 'writev')
      this.write(descriptor, file, this.positions.get(descriptor) ?? NaN, Buffer.concat(data));
    else throw new Error(`the call ${call} on ${name} is not understood`);
  }

  private write(descriptor: number, file: StoreFile, offset: number, bytes: Buffer): void {
    if (!Number.isSafeInteger(offset)) throw new Error(`a write to ${file} has no place`);
    this.steps.push({ kind: 'write', file, offset, bytes, isSynced: this.syncedDescriptors.has(descriptor) });
  }
}

/** A string of strace -xx: every byte as \xHH. */
function unescape(text: string): Buffer {
  return Buffer.from(text.replaceAll(String.raw`\x`, ''), 'hex');
}
