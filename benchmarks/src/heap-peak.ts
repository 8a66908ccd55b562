import process from 'node:process';

/** Samples what the process holds: objects and buffers, not the pages of mapped files, which the system takes back at will. */
export class HeapPeak {
  private readonly samples: number[] = [];
  private readonly timer;

  constructor(intervalMs = 10) {
    this.sample();
    this.timer = setInterval(() => this.sample(), intervalMs);
  }

  sample(): void {
    const { heapUsed, external } = process.memoryUsage();
    this.samples.push((heapUsed + external) / 2 ** 20);
  }

  /** Largest MiB of the whole time, and of parts of it: what grows with the work differs between them. */
  end(): { readonly peak: number; readonly middleThird: number; readonly lastThird: number } {
    clearInterval(this.timer);
    this.sample();
    const { samples } = this;
    const third = Math.ceil(samples.length / 3);
    const largest = (part: readonly number[]): number =>
      part.reduce((most, one) => Math.max(most, one), samples.at(-1)!);
    return {
      peak: largest(samples),
      middleThird: largest(samples.slice(third, -third)),
      lastThird: largest(samples.slice(-third)),
    };
  }
}
