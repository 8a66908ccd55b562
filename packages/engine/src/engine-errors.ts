import { AepError, describeError } from '@aep/kernel';

export function busy(inboundQueueMax: number): AepError {
  return new AepError(
    'AEP_ENGINE_BUSY',
    'retry',
    `the engine has ${inboundQueueMax} events waiting, its limit (limits.inboundQueueMax): offer again after whenWritable()`,
    { inboundQueueMax },
  );
}

export function stopped(engine: string): AepError {
  return new AepError(
    'AEP_ENGINE_STOPPED',
    'retry',
    `engine "${engine}" takes nothing: it has not started, or it is stopping`,
    { engine },
  );
}

/** What was thrown in a phase of the engine's life; an error that has a code keeps it. Says phase, thing and cause (E6). */
export function phaseError(thrown: unknown, phase: string, what: string): AepError {
  if (thrown instanceof AepError) {
    if (thrown.facts['phase'] !== undefined) return thrown;
    const facts = { ...thrown.facts, phase, what };
    return new AepError(thrown.code, thrown.advice, `${phase}: ${what}: ${thrown.message}`, facts, thrown);
  }
  return new AepError(
    'AEP_START_FAILED',
    'fatal',
    `${phase}: ${what} failed: ${describeError(thrown)}`,
    { phase, what },
    thrown,
  );
}

export function outsideHandler(engine: string, call: string): AepError {
  return new AepError(
    'AEP_OUTSIDE_HANDLER',
    'reject',
    `${call} is part of a transaction, and engine "${engine}" is not handling an event now: call it inside a handler` +
      (call === 'send' ? ', or use sendMessage' : ''),
    { engine, call },
  );
}

export function cannotFollow(engine: string, why: string): AepError {
  return new AepError(
    'AEP_CANNOT_FOLLOW',
    'reject',
    `engine "${engine}" ${why}: only the engine of an event-sourced application follows, once, before it starts`,
    { engine },
  );
}
