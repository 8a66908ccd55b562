/** How far a gateway is with its input in this run; the durable part of that is its GatewayJournal. */
export class Reading {
  bytesTotal = 0;
  bytesRead = 0;
  /** Entries handed to the engine. */
  entries = 0;
  /** Entries that an earlier run had already sent on or rejected. */
  duplicates = 0;
  /** Resolves when all entries were handed over; rejects when the input could not be read. */
  readonly finished: Promise<void>;
  private settle!: { resolve: () => void; reject: (error: unknown) => void };

  constructor() {
    this.finished = new Promise((resolve, reject) => (this.settle = { resolve, reject }));
    // Whoever waits gets the error; when nobody does, it must not end the process.
    this.finished.catch(() => undefined);
  }

  finish(): void {
    this.settle.resolve();
  }

  fail(error: unknown): void {
    this.settle.reject(error);
  }
}
