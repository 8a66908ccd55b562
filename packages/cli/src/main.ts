#!/usr/bin/env node
import { processIo } from './process-io.js';
import { runCli } from './run-cli.js';

// Timers of the clock and threads of the storage engine do not keep a process alive; a command that waits for them must.
const keepAlive = setInterval(() => {}, 60_000);
// Not process.exit: what was written to a pipe must still get there.
process.exitCode = await runCli(process.argv.slice(2), processIo());
clearInterval(keepAlive);
