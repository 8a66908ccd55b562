export type { BenchmarkCase, CaseContext, CaseResult, Figure, Goal, Ratio } from './case.js';
export { corpus } from './corpus.js';
export { heapBytesOf, median } from './micro.js';
export { writeResults } from './results-table.js';
export type { CaseReport } from './run-case.js';
export { Schedule } from './schedule.js';
