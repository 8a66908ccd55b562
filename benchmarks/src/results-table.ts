import { readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, release } from 'node:os';
import process from 'node:process';
import { type Figure, type Goal, isMet, type Ratio } from './case.js';
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

/** A row for each goal and each ratio; what else a case says stands beside the first of them. */
function resultsTable(reports: readonly CaseReport[]): string {
  const head = '| case | durability | what | value | goal | | beside it |\n| --- | --- | --- | --- | --- | --- | --- |';
  return [head, ...reports.flatMap((report) => rowsOf(report))].join('\n');
}

function rowsOf(report: CaseReport): string[] {
  const { name, durability, figures, ratios } = report;
  const [first, ...others] = figures.filter(({ goal }) => goal === undefined);
  const isFirstBeside = figures.length > others.length + 1 || ratios.length > 0;
  const judged = figures.filter((figure) => figure.goal !== undefined || (!isFirstBeside && figure === first));
  const beside = first === undefined ? [] : isFirstBeside ? [first, ...others] : others;
  const cells = [...judged.map((figure) => figureCells(figure)), ...ratios.map((ratio) => ratioCells(ratio))];
  const rest = beside
    .map(({ name: what, value, unit }) => `${what} ${`${grouped(value)} ${unit}`.trimEnd()}`)
    .join('; ');
  return cells.map((cell, index) => `| \`${name}\` | ${durability} | ${cell} | ${index === 0 ? rest : ''} |`);
}

function figureCells({ name, value, unit, goal }: Figure): string {
  return `${name} | ${`${grouped(value)} ${unit}`.trimEnd()} | ${goalCells(value, goal)}`;
}

function ratioCells({ name, value, against, goal }: Ratio): string {
  return `${name} | ${grouped(value)} × ${against} | ${goalCells(value, goal)}`;
}

function goalCells(value: number, goal: Goal | undefined): string {
  if (goal === undefined) return ' | ';
  return `${goalText(goal)} | ${isMet(value, goal) ? 'met' : '**not met**'}`;
}

function remarks(reports: readonly CaseReport[]): string {
  const lines = reports.flatMap(({ name, notes = [], didNotRun, failed }) => [
    ...notes.map((note) => `- \`${name}\`: ${note}`),
    ...(didNotRun === undefined ? [] : [`- \`${name}\` DID NOT RUN: ${didNotRun}`]),
    ...(failed === undefined ? [] : [`- \`${name}\` FAILED: ${failed}`]),
  ]);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
