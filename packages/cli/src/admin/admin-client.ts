import { AepError, didYouMean, toError } from '@aep/kernel';
import type { CliIo, HttpAnswer } from '../cli-io.js';
import { unknownName, usageError } from '../usage-error.js';
import type {
  AppCommand,
  AppStatusJson,
  ClusterJson,
  DeadLetterChoice,
  DeadLetterJson,
  DeadLetterOutcome,
  DeadLetterQuery,
  SendAnswer,
  SendRequest,
  XvmStatusJson,
} from './admin-types.js';
import {
  isCluster,
  isCommandList,
  isDeadLetter,
  isDeadLetterList,
  isDeadLetterOutcome,
  isResult,
  isSendAnswer,
  isStatus,
} from './answer-shapes.js';

export interface AdminTarget {
  /** Without a slash at the end. */
  readonly url: string;
  readonly token: string | undefined;
  readonly timeoutMs: number;
}

/** Talks to the admin server of a running xvm over HTTP. Errors of the server come back with their own code. */
export class AdminClient {
  constructor(
    private readonly io: CliIo,
    private readonly target: AdminTarget,
  ) {}

  async status(): Promise<XvmStatusJson> {
    return await this.ask('GET', '/status', isStatus);
  }

  /** The app that is meant: the one that is named, or the only one. @throws AEP_CLI_NAME_UNKNOWN, AEP_CLI_USAGE */
  async chooseApp(name: string | undefined): Promise<AppStatusJson> {
    const { apps } = await this.status();
    const names = apps.map((app) => app.name);
    if (name === undefined && apps.length !== 1)
      throw usageError(`the xvm runs ${names.length} apps (${names.join(', ')}): name one with --app`);
    const app = name === undefined ? apps[0] : apps.find((each) => each.name === name);
    if (app === undefined) throw unknownName('app', name!, names);
    return app;
  }

  async commands(app: string): Promise<readonly AppCommand[]> {
    const { commands } = await this.ask('GET', `${appPath(app)}/commands`, isCommandList);
    return commands;
  }

  async execute(app: string, command: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
    const path = `${appPath(app)}/commands/${encodeURIComponent(command)}`;
    const { result } = await this.ask('POST', path, isResult, { args });
    return result;
  }

  async cluster(app: string): Promise<ClusterJson> {
    return await this.ask('GET', `${appPath(app)}/cluster`, isCluster);
  }

  /** Resolves when the other member leads. */
  async clusterSwitch(app: string, to: string | undefined): Promise<ClusterJson> {
    return await this.ask('POST', `${appPath(app)}/cluster/switch`, isCluster, to === undefined ? {} : { to });
  }

  async clusterPromote(app: string): Promise<ClusterJson> {
    return await this.ask('POST', `${appPath(app)}/cluster/promote`, isCluster, { unsafe: true });
  }

  /** Resolves when the message is stable. */
  async send(request: SendRequest): Promise<SendAnswer> {
    return await this.ask('POST', '/send', isSendAnswer, request);
  }

  async deadLetters(app: string, { limit, ...filter }: DeadLetterQuery): Promise<readonly DeadLetterJson[]> {
    const query = new URLSearchParams(limit === undefined ? {} : { limit: String(limit) });
    for (const [name, value] of Object.entries(filter)) if (value !== undefined) query.set(name, value);
    const path = `${appPath(app)}/dead-letters?${query.toString()}`;
    const { deadLetters } = await this.ask('GET', path, isDeadLetterList);
    return deadLetters;
  }

  async deadLetter(app: string, id: number): Promise<DeadLetterJson> {
    return await this.ask('GET', `${appPath(app)}/dead-letters/${id}`, isDeadLetter);
  }

  async replayEdited(app: string, id: number, message: unknown): Promise<void> {
    await this.call('POST', `${appPath(app)}/dead-letters/${id}/replay`, { message });
  }

  /** Each by itself, oldest first: one that fails does not keep the others. */
  async changeDeadLetters(
    app: string,
    verb: 'replay' | 'discard',
    choice: DeadLetterChoice,
  ): Promise<DeadLetterOutcome> {
    return await this.ask('POST', `${appPath(app)}/dead-letters/${verb}`, isDeadLetterOutcome, choice);
  }

  /** A call whose answer has to be of a shape. @throws AEP_CLI_ADMIN_REFUSED when it is another one */
  // oxlint-disable-next-line max-params -- as `call`, and the shape
  private async ask<T>(
    method: 'GET' | 'POST',
    path: string,
    isAnswer: (content: unknown) => content is T,
    body?: unknown,
  ): Promise<T> {
    const content = await this.call(method, path, body);
    if (isAnswer(content)) return content;
    const { url } = this.target;
    const text = `the server at ${url} answered ${path} with something else: is it the admin server of an xvm of this version?`;
    throw new AepError('AEP_CLI_ADMIN_REFUSED', 'reject', text, { url });
  }

  private async call(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const { url, token, timeoutMs } = this.target;
    const headers: Record<string, string> = { accept: 'application/json' };
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    if (body !== undefined) headers['content-type'] = 'application/json';
    const text = body === undefined ? undefined : JSON.stringify(body);
    let answer: HttpAnswer;
    try {
      answer = await this.io.request({
        method,
        url: `${url}${path}`,
        headers,
        timeoutMs,
        ...(text === undefined ? {} : { body: text }),
      });
    } catch (thrown) {
      throw this.unreachable(thrown);
    }
    const content = parse(answer.text);
    if (answer.status >= 200 && answer.status < 300) return content;
    throw this.refused(answer.status, content, path);
  }

  private unreachable(thrown: unknown): AepError {
    const { url, timeoutMs } = this.target;
    const error = toError(thrown);
    // fetch says "fetch failed" and keeps the reason in the cause.
    const reason =
      error.name === 'TimeoutError'
        ? `no answer within ${timeoutMs} ms`
        : toError(error.cause ?? error).message || 'connection refused';
    const text = `no xvm answers at ${url}: ${reason}; is it running, and does its <admin> have this address and port?`;
    return new AepError('AEP_CLI_ADMIN_UNREACHABLE', 'retry', text, { url }, thrown);
  }

  private refused(status: number, content: unknown, path: string): AepError {
    const { url, token } = this.target;
    const coded = codedError(content);
    if (status === 401) {
      const text =
        token === undefined ? 'it wants a token: set AEP_ADMIN_TOKEN' : 'the token is wrong: check AEP_ADMIN_TOKEN';
      return new AepError(
        'AEP_CLI_ADMIN_REFUSED',
        'reject',
        `the xvm at ${url} refuses the call (${status}): ${text}`,
        { url, status },
      );
    }
    if (coded !== undefined) return coded;
    const text = `the server at ${url} answered ${status} to ${path}: is it the admin server of an xvm of this version?`;
    return new AepError('AEP_CLI_ADMIN_REFUSED', 'reject', text, { url, status });
  }
}

/** The error that the server sent, as it was thrown there. */
function codedError(content: unknown): AepError | undefined {
  const found = content as { code?: unknown; message?: unknown; advice?: unknown } | undefined;
  if (typeof found?.code !== 'string' || typeof found.message !== 'string' || !found.code.startsWith('AEP_'))
    return undefined;
  const advice = found.advice === 'fatal' || found.advice === 'retry' ? found.advice : 'reject';
  return new AepError(found.code, advice, found.message);
}

function appPath(app: string): string {
  return `/apps/${encodeURIComponent(app)}`;
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text; // a proxy's page, or plain text: the status says what it means
  }
}

/** @throws AEP_CLI_NAME_UNKNOWN with the nearest name and how the known ones are called */
export function findCommand(commands: readonly AppCommand[], name: string): AppCommand {
  const command = commands.find((each) => each.name === name);
  if (command !== undefined) return command;
  const names = commands.map((each) => each.name);
  const text = `the app has no command "${name}"${didYouMean(name, names)}; it has ${names.join(', ') || 'none'}`;
  throw new AepError('AEP_CLI_NAME_UNKNOWN', 'reject', text, { what: 'command', name });
}
