/**
 * The switch of checked mode (E72): one object, so that a test of it is one load and one branch.
 * On: a disposed view is never used again by the pool, so that a stale reference always throws, and views remember where they were disposed.
 * Off: disposed views go back to the pool; a stale reference throws until the pool hands the view out again.
 */
export const checkedMode = { on: process.env['NODE_ENV'] !== 'production' };

/** Switches checked mode for the process. @default on, unless NODE_ENV is `production` */
export function setCheckedMode(on: boolean): void {
  checkedMode.on = on;
}

export function isCheckedMode(): boolean {
  return checkedMode.on;
}
