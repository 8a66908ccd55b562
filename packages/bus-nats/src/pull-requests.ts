/** What is asked of a consumer and not delivered yet. The server serves requests one after the other. */
export class PullRequests {
  private readonly open: { readonly number: number; left: number }[] = [];
  private nextNumber = 1;

  /** Messages that may still come. */
  get leftCount(): number {
    let count = 0;
    for (const { left } of this.open) count += left;
    return count;
  }

  get isEmpty(): boolean {
    return this.open.length === 0;
  }

  /** @returns its number, by which the server's word on it is recognised */
  add(batch: number): number {
    this.open.push({ number: this.nextNumber, left: batch });
    return this.nextNumber++;
  }

  onMessage(): void {
    const first = this.open[0];
    if (first === undefined) return;
    first.left--;
    if (first.left === 0) this.open.shift();
  }

  /** The server has ended this request: its time is over, or it cannot be served. */
  onEnded(number: number): void {
    const index = this.open.findIndex((request) => request.number === number);
    if (index >= 0) this.open.splice(index, 1);
  }

  clear(): void {
    this.open.length = 0;
  }
}
