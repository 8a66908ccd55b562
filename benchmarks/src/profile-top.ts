import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';

/** Where the time of a CPU profile goes: functions by their own time. `profile-top.js [FILE…]`, else the newest profiles. */
const FOLDER = 'build/profiles';
/** Profiles of one run of a case end within this time of each other. */
const SAME_RUN_MS = 10_000;

interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { lines: { type: 'string', default: '25' } },
});
const files = positionals.length > 0 ? positionals : newest();
if (files.length === 0) {
  console.error(`there is no profile in ${FOLDER}: npm run profile --prefix benchmarks -- CASE writes one`);
  process.exitCode = 2;
}
for (const file of files) printTop(file, Number(values.lines));

function newest(): string[] {
  const found = names()
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => ({ path: join(FOLDER, name), endedMs: statSync(join(FOLDER, name)).mtimeMs }));
  const last = Math.max(...found.map(({ endedMs }) => endedMs));
  return found.filter(({ endedMs }) => endedMs > last - SAME_RUN_MS).map(({ path }) => path);
}

function names(): string[] {
  try {
    return readdirSync(FOLDER);
  } catch {
    return [];
  }
}

function printTop(file: string, lines: number): void {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile;
  const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
  const selfUs = new Map<string, number>();
  let busyUs = 0;
  for (const [index, id] of samples.entries()) {
    const place = places.get(id)!;
    if (place.startsWith('(idle)') || place.startsWith('(program)')) continue;
    const tookUs = timeDeltas[index] ?? 0;
    busyUs += tookUs;
    selfUs.set(place, (selfUs.get(place) ?? 0) + tookUs);
  }
  console.log(`\n${file}: ${(busyUs / 1e6).toFixed(1)} s of JavaScript`);
  const sorted = [...selfUs].toSorted((a, b) => b[1] - a[1]).slice(0, lines);
  for (const [place, us] of sorted) console.log(`  ${((us / busyUs) * 100).toFixed(1).padStart(5)} %  ${place}`);
}

function placeOf({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const file = url.split('/').slice(-3).join('/');
  return `${functionName || '(anonymous)'}${file === '' ? '' : `  ${file}:${lineNumber + 1}`}`;
}
