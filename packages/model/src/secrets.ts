/**
 * Names whose values are not printed. They are recognised by their last part, so that `db.password`,
 * `truststorePassword` and `API_KEY` are secrets, and `passwordFile` or `keyField` are not.
 */
const SECRET_NAME =
  /(password|passwd|passphrase|secret|token|credentials?|api[_.-]?key|private[_.-]?key|access[_.-]?key)$/i;

/** An address with a password in it, such as `postgres://user:pass@host/db`, is a secret under any name. */
const WITH_PASSWORD = /^[a-z][a-z\d+.-]*:\/\/[^/\s?#]*:[^/\s?#]*@/i;

/** What is printed in place of a secret. */
export const REDACTED = '(secret)';

/** True when a value is not to be shown: by its name (passwords, tokens, keys to somewhere), or for the password in it. */
export function isSecret(name: string, value: unknown): boolean {
  return SECRET_NAME.test(name) || (typeof value === 'string' && WITH_PASSWORD.test(value.trim()));
}
