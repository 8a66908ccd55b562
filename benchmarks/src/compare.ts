import { readFileSync } from 'node:fs';
import type { CaseReport } from './run-case.js';

/** Figures and ratios of an earlier run (`--json`), to be shown beside those of this one. */
export class EarlierRun {
  private readonly values = new Map<string, number>();

  /** @param path of the file that `--json` was redirected to: an object a line */
  constructor(path: string) {
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      if (!line.startsWith('{')) continue;
      const { name, figures, ratios } = JSON.parse(line) as CaseReport;
      for (const { name: what, value } of figures) this.values.set(`${name}|${what}`, value);
      for (const { name: what, against, value } of ratios) this.values.set(`${name}|${what}|${against}`, value);
    }
  }

  figure(name: string, what: string): number | undefined {
    return this.values.get(`${name}|${what}`);
  }

  ratio(name: string, what: string, against: string): number | undefined {
    return this.values.get(`${name}|${what}|${against}`);
  }
}
