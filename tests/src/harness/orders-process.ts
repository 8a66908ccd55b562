import process from 'node:process';
import { createInterface } from 'node:readline';
import { Reading } from '@aep/example-orders';
import { runXvm } from '@aep/host';
import { summaryPart } from './summary-part.js';

/**
 * One process of the order example, as a profile of its model has it. Arguments: model file, xvm, data directory, profile
 * (`three-processes` when there is none).
 * Says `done` when the gateway has read its input and the order processor has all of it; answers a line `summary N` with that
 * line and its part of the result, once it has passed on what it was given.
 */
const [file = '', name = '', dataDir = '', profile = 'three-processes'] = process.argv.slice(2);
const reading = new Reading();
const code = await runXvm({
  model: { file },
  profiles: [profile],
  xvm: name,
  dataDir,
  registerServices: (services) => services.register(Reading, { useValue: reading }),
  onStarted: (xvm) => {
    say('started');
    createInterface({ input: process.stdin }).on('line', (line) => {
      if (line.startsWith('summary '))
        void xvm
          .engine(name)
          .whenIdle()
          .then(() => say(`${line} ${summaryPart(xvm, name)}`));
    });
    if (name === 'gateway') void reading.finished.then(() => xvm.engine(name).whenIdle()).then(() => say('done'));
  },
});
// Not left to the event loop's end, where Node 20 can hang (see scripts/start.mjs).
process.exit(code);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
