import { adminClient } from '../admin/admin-target.js';
import { ExitCode } from '../exit-code.js';
import { parseJson, readJsonFile } from '../json-input.js';
import type { AdminOptions } from '../options/admin-options.js';
import type { Session } from '../session.js';
import { usageError } from '../usage-error.js';

interface SendOptions extends AdminOptions {
  readonly app?: string;
  readonly channel: string;
  readonly type: string;
  readonly message?: string;
  readonly file?: string;
  readonly idempotencyKey?: string;
}

export async function sendMessage(
  { io, output }: Session,
  _args: readonly string[],
  options: SendOptions,
): Promise<ExitCode> {
  if ((options.message === undefined) === (options.file === undefined))
    throw usageError('give the message with --message or with --file');
  const client = adminClient(io, options);
  const message =
    options.message === undefined ? await readJsonFile(io, options.file!) : parseJson(options.message, '--message');
  const at = options.channel.lastIndexOf('@');
  const answer = await client.send({
    channel: at < 1 ? options.channel : options.channel.slice(0, at),
    ...(at < 1 ? {} : { bus: options.channel.slice(at + 1) }),
    ...(options.app === undefined ? {} : { app: options.app }),
    type: options.type,
    message,
    ...(options.idempotencyKey === undefined ? {} : { idempotencyKey: options.idempotencyKey }),
  });
  if (output.json) output.document({ ok: true, type: options.type, ...answer });
  else if (answer.as === 'local event')
    output.line(`${answer.app} received ${options.type} as if from ${answer.channel}`);
  else output.line(`${answer.app} sent ${options.type} on ${answer.channel}`);
  return ExitCode.ok;
}
