import { type AppModel, type XvmModel } from '../gen/model.js';
import { quote } from '../problems.js';
import { type Conclusion } from './conclusion.js';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'];

/** Checks that the processes host apps that are there, and listen where it is safe. */
export function concludeXvms(xvms: readonly XvmModel[], apps: readonly AppModel[], conclusion: Conclusion): void {
  const known = apps.map((app) => app.name);
  for (const xvm of xvms) {
    for (const hosted of xvm.apps) {
      if (hosted.name === '' || known.includes(hosted.name)) continue;
      const at = conclusion.placeOf(hosted, 'name');
      conclusion.problems.addUnknown('AEP_MODEL_NAME_UNKNOWN', at, 'there is no app', { wrong: hosted.name, known });
    }
    checkAdmin(xvm, conclusion);
    checkLevels(xvm, conclusion);
  }
}

/** The admin server changes things; on a network it asks who is calling. */
function checkAdmin(xvm: XvmModel, conclusion: Conclusion): void {
  const { address, port, token } = xvm.admin;
  if (port === 0 || token !== null || isLoopback(address)) return;
  const message = `an admin server on ${quote(address)} needs a token; only the loopback address does without`;
  conclusion.problems.add('AEP_MODEL_RELATION', conclusion.placeOf(xvm.admin, 'address'), message, { value: address });
}

function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || /^127(?:\.\d{1,3}){3}$/.test(address);
}

function checkLevels(xvm: XvmModel, conclusion: Conclusion): void {
  for (const [part, level] of Object.entries(xvm.logging.levels)) {
    if (LOG_LEVELS.includes(level)) continue;
    const at = conclusion.placeOf(xvm.logging.levels, part);
    conclusion.problems.addUnknown('AEP_MODEL_VALUE', at, 'there is no log level', { wrong: level, known: LOG_LEVELS });
  }
}
