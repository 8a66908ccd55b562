/**
 * Names whose values are not printed. They are recognised by their last part, so that `db.password`,
 * `truststorePassword` and `API_KEY` are secrets, and `passwordFile` or `keyField` are not.
 */
const SECRET_NAME =
  /(password|passwd|passphrase|secret|token|credentials?|api[_.-]?key|private[_.-]?key|access[_.-]?key)$/i;

/** What is printed in place of a secret. */
export const REDACTED = '(secret)';

/** True when values of this name are secrets: passwords, tokens, keys to somewhere. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}
