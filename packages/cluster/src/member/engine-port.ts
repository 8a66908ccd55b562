import type { AepError } from '@aep/kernel';
import type { Store } from '@aep/store';

/** What runs on the primary: an engine, as the member sees it. Implemented by the host with AepEngine. */
export interface EngineMaker {
  /**
   * Starts the application on the store of the group, in which everything is stable. The store stays the member's: closing it
   * does nothing. Called once per life as primary, never while an earlier engine still runs.
   */
  start(store: Store, listener: EngineListener): RunningEngine;
}

export interface EngineListener {
  /** Messaging is open. */
  onStarted(): void;
  /** It has ended, or could not start: by itself with a cause, or because it was told to. Once; it touches the store no more. */
  onEnded(cause: AepError | undefined): void;
}

export interface RunningEngine {
  /** Take nothing new, finish what was accepted, release what is stable, then end (H8). `onEnded` follows. */
  drain(): void;
  /**
   * End without releasing or acknowledging anything more. The journal of its store has failed already, with the same cause.
   * `onEnded` follows.
   */
  halt(cause: AepError): void;
}
