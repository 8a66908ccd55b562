import { createHash } from 'node:crypto';
import { nkeys } from '@nats-io/transport-node';

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** An operator with one account and one user, as `nsc` would make them: the server's configuration and the user's `.creds` file. */
export function makeOperator(): { readonly configuration: string; readonly creds: string } {
  const operator = nkeys.createOperator();
  const system = nkeys.createAccount();
  const account = nkeys.createAccount();
  const user = nkeys.createUser();
  const operatorJwt = sign(operator, operator, { type: 'operator', version: 2, system_account: system.getPublicKey() });
  const limits = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const accounts = [
    [system, sign(operator, system, { type: 'account', version: 2, limits })],
    [account, sign(operator, account, { type: 'account', version: 2, limits: { ...limits, ...storage } })],
  ] as const;
  const userJwt = sign(account, user, { type: 'user', version: 2, subs: -1, data: -1, payload: -1 });
  const preload = accounts.map(([pair, jwt]) => `${pair.getPublicKey()}: ${jwt}`).join('\n');
  return {
    configuration: `operator: ${operatorJwt}\nsystem_account: ${system.getPublicKey()}\nresolver: MEMORY\nresolver_preload: {\n${preload}\n}`,
    creds: credsFile(userJwt, new TextDecoder().decode(user.getSeed())),
  };
}

function sign(issuer: KeyPair, subject: KeyPair, nats: object): string {
  const claims = {
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    jti: '',
    name: 'test',
    nats,
    sub: subject.getPublicKey(),
  };
  claims.jti = createHash('sha256').update(JSON.stringify(claims)).digest('base64url');
  const text = [{ typ: 'JWT', alg: 'ed25519-nkey' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${text}.${Buffer.from(issuer.sign(new TextEncoder().encode(text))).toString('base64url')}`;
}

function credsFile(jwt: string, seed: string): string {
  const block = (name: string, text: string): string => `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n`;
  return `${block('NATS USER JWT', jwt)}\n${block('USER NKEY SEED', seed)}\n`;
}
