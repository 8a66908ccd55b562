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

/** Frames kept of a place: enough to find the caller, and half the price of the default ten. */
const placeFrames = 6;

/** Where a message is given away; with its stack in checked mode. */
export function capturePlace(what: string): string | Error {
  if (!checkedMode.on) return what;
  const frames = Error.stackTraceLimit;
  Error.stackTraceLimit = placeFrames;
  const place = new Error(what);
  Error.stackTraceLimit = frames;
  return place;
}
