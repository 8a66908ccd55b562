import { readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, release } from 'node:os';
import process from 'node:process';
import { type Figure, isMet, type Ratio } from './case.js';
import { goalText, grouped } from './print.js';
import type { CaseReport } from './run-case.js';

const BEGIN = '<!-- results: written by `npm run bench -- --report` -->';
const END = '<!-- end of results -->';

/** Replaces what stands between the two marks of a Markdown file by these reports. @throws when a mark is missing */
export function writeResults(path: string, reports: readonly CaseReport[], options: { readonly scale: number }): void {
  const text = readFileSync(path, 'utf8');
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${path} needs the lines ${BEGIN} and ${END}`);
  const body = `${machineLine(reports, options.scale)}\n\n${resultsTable(reports)}\n\n${remarks(reports)}`;
  writeFileSync(path, `${text.slice(0, begin + BEGIN.length)}\n\n${body.trimEnd()}\n\n${text.slice(end)}`);
}

function machineLine(reports: readonly CaseReport[], scale: number): string {
  const loads = reports.map(({ load }) => load);
  const cpu = cpus()[0]?.model.trim() ?? 'unknown processor';
  const date = new Date().toISOString().slice(0, 10);
  return `${date}: Node ${process.version}, ${platform()} ${release()}, ${arch()}, ${cpus().length} cores (${cpu}), scale ${scale}, load average ${Math.min(...loads)} to ${Math.max(...loads)} (the cases themselves make about 1 to 2).`;
}

function resultsTable(reports: readonly CaseReport[]): string {
  const rows = reports.flatMap((report) => [
    ...report.figures.map((figure) => row(report, figure, figure.unit)),
    ...report.ratios.map((ratio) => row(report, ratio, `× ${ratio.against}`)),
  ]);
  const head = '| case | durability | what | value | goal | |\n| --- | --- | --- | --- | --- | --- |';
  return [head, ...rows].join('\n');
}

function row({ name, durability }: CaseReport, { name: what, value, goal }: Figure | Ratio, unit: string): string {
  const verdict = goal === undefined ? '' : isMet(value, goal) ? 'met' : '**not met**';
  const wanted = goal === undefined ? '' : goalText(goal);
  return `| \`${name}\` | ${durability} | ${what} | ${grouped(value)} ${unit} | ${wanted} | ${verdict} |`;
}

function remarks(reports: readonly CaseReport[]): string {
  const lines = reports.flatMap(({ name, notes = [], didNotRun, failed }) => [
    ...notes.map((note) => `- \`${name}\`: ${note}`),
    ...(didNotRun === undefined ? [] : [`- \`${name}\` DID NOT RUN: ${didNotRun}`]),
    ...(failed === undefined ? [] : [`- \`${name}\` FAILED: ${failed}`]),
  ]);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
