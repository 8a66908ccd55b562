/** Takes the time of every turn of the event loop: what anything else in the process has to wait at most. */
export class LoopTurns {
  longestMs = 0;
  private isStopped = false;

  start(): this {
    let beganMs = performance.now();
    const turn = (): void => {
      const nowMs = performance.now();
      this.longestMs = Math.max(this.longestMs, nowMs - beganMs);
      beganMs = nowMs;
      if (!this.isStopped) setImmediate(turn);
    };
    setImmediate(turn);
    return this;
  }

  stop(): void {
    this.isStopped = true;
  }
}
