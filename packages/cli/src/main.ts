#!/usr/bin/env node
import { processIo } from './process-io.js';
import { runCli } from './run-cli.js';

// Timers of the clock and threads of the storage engine do not keep a process alive; a command that waits for them must.
setInterval(() => {}, 60_000);
const code = await runCli(process.argv.slice(2), processIo());
// What was written to a pipe must still get there.
for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write('', resolve));
// Not left to the event loop's end: there Node 20 can hang, when a compiler thread waits for a collection that nobody runs.
process.exit(code);
