import { appendFileSync } from 'node:fs';

/**
 * What a supervisor did and saw, one JSON object a line, written before anything else happens: when a run fails, this is
 * what is left to explain it.
 */
export class SupervisorLog {
  constructor(readonly file: string) {}

  note(event: string, facts: Readonly<Record<string, unknown>> = {}): void {
    appendFileSync(this.file, `${JSON.stringify({ at: Math.round(performance.now()), event, ...facts })}\n`);
  }
}
