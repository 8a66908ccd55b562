import type { AepError } from '@aep/kernel';
import type { EngineCore } from './engine-core.js';

export interface DrainParts {
  readonly core: EngineCore;
  readonly cause: AepError | undefined;
  readonly deadlineMs: number;
  /** Settles when every `@AppMain` has ended. */
  readonly mains: Promise<unknown>;
  /** Resolves once the condition holds. */
  readonly when: (isDone: (core: EngineCore) => boolean) => Promise<void>;
}

/**
 * Handles what was accepted, then waits for confirmations (E4). With a cause nothing more is taken, but what is sealed still
 * becomes stable, goes out and is acknowledged (E20); after a storage error nothing does.
 *
 * @returns what holds it at the deadline; undefined when it is drained
 */
export async function drain({ core, cause, deadlineMs, mains, when }: DrainParts): Promise<string | undefined> {
  const { clock, log } = core.options;
  core.messaging.stopReading();
  core.timers.stop();
  if (cause !== undefined) core.pipeline.stage = 'closed';
  const isHandled = (): boolean => core.inbound.size === 0 && core.pipeline.isResting;
  const isDrained = (): boolean =>
    core.storeFailure !== undefined ||
    ((cause !== undefined || isHandled()) && (core.inFlight.size === 0 || core.waitsForAbsentBus));
  let haveMainsEnded = false;
  const drained = mains.then(() => {
    haveMainsEnded = true;
    return when(isDrained);
  });
  core.onWake();
  let onDeadline: (heldBy: string) => void = () => undefined;
  const deadline = new Promise<string>((resolve) => (onDeadline = resolve));
  const timer = clock.schedule(deadlineMs, () => onDeadline(describeHolder(core, haveMainsEnded)));
  const heldBy = await Promise.race([drained.then(() => undefined), deadline]);
  clock.cancel(timer);
  if (heldBy !== undefined) log.log('warn', 'the stop reached its deadline', { heldBy });
  return heldBy;
}

function describeHolder(core: EngineCore, haveMainsEnded: boolean): string {
  if (!haveMainsEnded) return 'a main of the application has not ended after its signal was aborted';
  const { pipeline, inFlight, inbound } = core;
  return pipeline.describeHold() ?? inFlight.describeHead() ?? `${inbound.size} accepted event(s) are not handled`;
}

/** Gives up what was not finished, so that nobody waits for it, and closes the store. */
export async function closeStore(core: EngineCore, error: AepError): Promise<void> {
  const { checkpointer, store, options } = core;
  core.stopWatching();
  core.pipeline.abandon(error);
  core.inFlight.abandon((work) => work.local?.onFailed?.(error));
  for (let work = core.inbound.poll(); work !== undefined; work = core.inbound.poll()) work.local?.onFailed?.(error);
  if (core.storeFailure === undefined) await new Promise<void>((resolve) => checkpointer.flush(resolve));
  checkpointer.close();
  try {
    await store.close();
  } catch (failure) {
    options.log.log('error', 'the store did not close', {}, failure);
  }
}
