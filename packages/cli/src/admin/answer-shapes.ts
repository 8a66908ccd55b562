import type {
  AppCommand,
  ClusterJson,
  DeadLetterJson,
  DeadLetterOutcome,
  SendAnswer,
  XvmStatusJson,
} from './admin-types.js';

/*
 * Whether an answer is what a command reads from it. A server of another kind, a proxy or an xvm of another version may
 * answer anything with status 200; what is optional in admin-types.ts may be missing here too.
 */

export function isStatus(content: unknown): content is XvmStatusJson {
  return isObject(content) && isListOf(content['apps'], isApp);
}

export function isCluster(content: unknown): content is ClusterJson {
  if (!isObject(content) || typeof content['name'] !== 'string' || typeof content['role'] !== 'string') return false;
  const { register, followers, present = [] } = content;
  const isRegister =
    register === undefined ||
    (isObject(register) && isObject(register['primary']) && isListOf(register['members'], isObject));
  return isRegister && isNumber(content['lastTxId']) && isListOf(followers, isObject) && isListOf(present, isObject);
}

export function isCommandList(content: unknown): content is { commands: readonly AppCommand[] } {
  return isObject(content) && isListOf(content['commands'], isCommand);
}

export function isResult(content: unknown): content is { result: unknown } {
  return isObject(content);
}

export function isSendAnswer(content: unknown): content is SendAnswer {
  return isObject(content);
}

export function isDeadLetter(content: unknown): content is DeadLetterJson {
  return isObject(content) && typeof content['id'] === 'number' && typeof content['atMs'] === 'number';
}

export function isDeadLetterList(content: unknown): content is { deadLetters: readonly DeadLetterJson[] } {
  return isObject(content) && isListOf(content['deadLetters'], isDeadLetter);
}

export function isDeadLetterOutcome(content: unknown): content is DeadLetterOutcome {
  return (
    isObject(content) &&
    isListOf(content['matched'], isNumber) &&
    isListOf(content['done'], isNumber) &&
    isListOf(content['failed'], isObject)
  );
}

function isApp(app: unknown): boolean {
  if (!isObject(app) || typeof app['name'] !== 'string' || !isObject(app['statistics'])) return false;
  const { statistics } = app;
  return (
    isObject(statistics['counters']) &&
    ['stableTxId', 'inboundQueued', 'inFlight', 'inDoubt'].every((name) => isNumber(statistics[name]))
  );
}

function isCommand(command: unknown): boolean {
  if (!isObject(command) || typeof command['name'] !== 'string') return false;
  const { options = {} } = command;
  return isObject(options) && Object.values(options).every(isObject);
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isListOf(value: unknown, isElement: (element: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isElement);
}
