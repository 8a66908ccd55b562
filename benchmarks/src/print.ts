import { type Figure, type Goal, isMet, type Ratio } from './case.js';
import type { EarlierRun } from './compare.js';
import type { CaseReport } from './run-case.js';

/** A case's report for a terminal, beside what an earlier run said. */
export function printReport(report: CaseReport, earlier?: EarlierRun): void {
  const { name, title, durability, figures, ratios, notes = [], didNotRun, failed, load } = report;
  console.log(`\n${name}  [durability: ${durability}]  (load ${load})\n  ${title}`);
  for (const figure of figures) {
    const before = earlier?.figure(name, figure.name);
    console.log(`  ${line(figure, figure.unit)}${verdict(figure)}${since(figure.value, before)}`);
  }
  for (const ratio of ratios) {
    const before = earlier?.ratio(name, ratio.name, ratio.against);
    console.log(`  ${line(ratio, `x ${ratio.against}`)}${verdict(ratio)}${since(ratio.value, before)}`);
  }
  for (const note of notes) console.log(`  * ${note}`);
  if (didNotRun !== undefined) console.log(`  DID NOT RUN: ${didNotRun}`);
  if (failed !== undefined) console.log(`  FAILED: ${failed}`);
}

export function goalText(goal: Goal): string {
  return 'atLeast' in goal ? `at least ${grouped(goal.atLeast)}` : `at most ${grouped(goal.atMost)}`;
}

/** 131000 as 131,000. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3, maximumFractionDigits: 3 });
}

function line({ name, value }: Figure | Ratio, unit: string): string {
  return `${name.padEnd(36)} ${grouped(value).padStart(12)} ${unit}`.trimEnd();
}

function verdict({ value, goal }: Figure | Ratio): string {
  return goal === undefined ? '' : `  (goal ${goalText(goal)}: ${isMet(value, goal) ? 'met' : 'NOT MET'})`;
}

function since(value: number, before: number | undefined): string {
  if (before === undefined) return '';
  const percent = before === 0 ? '' : `, ${value >= before ? '+' : ''}${((value / before - 1) * 100).toFixed(0)} %`;
  return `  [was ${grouped(before)}${percent}]`;
}
