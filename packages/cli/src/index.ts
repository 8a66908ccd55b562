export type { CliFiles, CliIo, CliStream, HttpAnswer, HttpRequest, MachineProbes } from './cli-io.js';
export { ExitCode } from './exit-code.js';
export { runCli } from './run-cli.js';
