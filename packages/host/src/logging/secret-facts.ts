/** Names that end so are secrets, as in a model: facts should never hold one, and if one does it is not written. */
const SECRET_NAME =
  /(password|passwd|passphrase|secret|token|credentials?|api[_.-]?key|private[_.-]?key|access[_.-]?key)$/i;

export function isSecretFact(name: string): boolean {
  return SECRET_NAME.test(name);
}
