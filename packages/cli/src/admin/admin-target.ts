import type { CliIo } from '../cli-io.js';
import { readModel } from '../model-file.js';
import type { AdminOptions } from '../options/admin-options.js';
import { unknownName, usageError } from '../usage-error.js';
import { AdminClient } from './admin-client.js';

/** An answer that takes longer counts as none. */
const TIMEOUT_MS = 30_000;

/** True when the command line says that a running xvm is meant. */
export function isAdminGiven(io: CliIo, options: AdminOptions): boolean {
  return options.admin !== undefined || (io.env.AEP_ADMIN_URL ?? '') !== '';
}

/** @throws AEP_CLI_USAGE, AEP_CLI_NAME_UNKNOWN, ModelError */
export function adminClient(io: CliIo, options: AdminOptions): AdminClient {
  const { url, token } = locate(io, options);
  const given = io.env.AEP_ADMIN_TOKEN ?? '';
  return new AdminClient(io, {
    url: checkUrl(url),
    token: given === '' ? token : given,
    timeoutMs: options.timeout ?? TIMEOUT_MS,
  });
}

function locate(io: CliIo, options: AdminOptions): { url: string; token: string | undefined } {
  if (options.admin !== undefined) return { url: options.admin, token: undefined };
  if (options.model !== undefined) return fromModel(io, options.model, options);
  const url = io.env.AEP_ADMIN_URL ?? '';
  if (url === '') throw usageError('which xvm? Give --admin URL (or $AEP_ADMIN_URL), or --model FILE');
  return { url, token: undefined };
}

function fromModel(io: CliIo, file: string, options: AdminOptions): { url: string; token: string | undefined } {
  const { xvms } = readModel(io, file, options);
  const names = xvms.map(({ name }) => name);
  const { xvm: wanted } = options;
  if (wanted === undefined && xvms.length !== 1) {
    throw usageError(`${file} has ${xvms.length} xvms (${names.join(', ')}): name one with --xvm, or give --admin URL`);
  }
  const xvm = wanted === undefined ? xvms[0]! : xvms.find(({ name }) => name === wanted);
  if (xvm === undefined) throw unknownName('xvm', wanted!, names);
  const { address, port, token } = xvm.admin;
  if (port === 0) throw usageError(`xvm "${xvm.name}" has no admin server in ${file}: give its <admin> a port`);
  // It listens everywhere: here it is nearest on the loopback address.
  const host = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address;
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`, token: token ?? undefined };
}

function checkUrl(text: string): string {
  const withScheme = /^https?:\/\//i.test(text) ? text : `http://${text}`;
  if (URL.canParse(withScheme)) return withScheme.replace(/\/+$/, '');
  throw usageError(`--admin: "${text}" is no URL such as http://127.0.0.1:7500`);
}
