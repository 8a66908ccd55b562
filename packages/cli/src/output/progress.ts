import type { CliIo } from '../cli-io.js';

/** Redraws at most ten times a second: more is flicker. */
const REDRAW_MS = 100;
/** Work that ends sooner needs no progress. */
const QUIET_MS = 300;

/** How far long work is: one line on stderr that is overwritten, at a terminal only. */
export class Progress {
  private readonly startedMs: number;
  private drawnMs = -Infinity;
  private isDrawn = false;

  constructor(
    private readonly io: Pick<CliIo, 'stderr' | 'clock'>,
    private readonly label: string,
  ) {
    this.startedMs = io.clock.monotonicMs();
  }

  update(done: number, total: number): void {
    const nowMs = this.io.clock.monotonicMs();
    if (!this.io.stderr.isTty || nowMs - this.startedMs < QUIET_MS || nowMs - this.drawnMs < REDRAW_MS) return;
    this.drawnMs = nowMs;
    this.isDrawn = true;
    const percent = total <= 0 ? 100 : Math.floor((100 * done) / total);
    this.io.stderr.write(`\r\u001b[K${this.label} ${percent}% (${formatCount(done)} of ${formatCount(total)})`);
  }

  /** Removes the line. To be called in any case. */
  end(): void {
    if (this.isDrawn) this.io.stderr.write('\r\u001b[K');
    this.isDrawn = false;
  }
}

/** `1 record`, `1,234 records`; a plural that is not made with an s is given. */
export function formatQuantity(count: number, one: string, many: string = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** `1,234,567`, whatever the locale of the machine. */
export function formatCount(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}
