import type { MethodBug } from './patched-methods.js';

/** Rules of event-sourced backups that are broken on purpose (H11, H33). */
export const REPLAY_BUGS: readonly MethodBug[] = [
  [
    'what the tables held already is not replayed',
    'engine/dist/replay/backup-replay.js',
    'BackupReplay',
    'openHistory',
    () =>
      function () {
        (this as unknown as { history: undefined }).history = undefined;
        return false;
      },
  ],
  [
    'a new primary does not replay what its backup had not',
    'engine/dist/services/event-sourcing.js',
    'EventSourcing',
    'replay',
    () => () => Promise.resolve(0),
  ],
  [
    'the state of a handler that threw is kept',
    'engine/dist/engine-lifecycle.js',
    'EngineLifecycle',
    'rebuild',
    () => (done) => (done as () => void)(),
  ],
  [
    'the engine that followed keeps its channels',
    'engine/dist/sender.js',
    'Sender',
    'forgetChannels',
    () => () => undefined,
  ],
];
