import { type Figure, type Goal, isMet, type Ratio } from './case.js';
import type { CaseReport } from './run-case.js';

/** A case's report for a terminal. */
export function printReport(report: CaseReport): void {
  const { name, title, durability, figures, ratios, notes = [], didNotRun, failed, load } = report;
  console.log(`\n${name}  [durability: ${durability}]  (load ${load})\n  ${title}`);
  for (const figure of figures) console.log(`  ${line(figure.name, figure.value)} ${figure.unit}${verdict(figure)}`);
  for (const ratio of ratios) console.log(`  ${line(ratio.name, ratio.value)} x ${ratio.against}${verdict(ratio)}`);
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

function line(name: string, value: number): string {
  return `${name.padEnd(36)} ${grouped(value).padStart(12)}`;
}

function verdict({ value, goal }: Figure | Ratio): string {
  return goal === undefined ? '' : `  (goal ${goalText(goal)}: ${isMet(value, goal) ? 'met' : 'NOT MET'})`;
}
