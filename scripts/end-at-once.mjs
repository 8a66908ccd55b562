// For processes of tests (`--import`). One that has nothing left to do ends here, before Node takes its environment apart: Node 20 sometimes
// turns in a circle there for ever, at full speed (`CleanupHandles`), and the file would fail by its time limit after all of its
// tests have passed. A test that leaves something open still does not get here. Listeners of `exit` run first, because this one is
// added last.
import process from 'node:process';

process.once('beforeExit', () => {
  process.on('exit', () => process.exit());
});
