import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificates {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** What this machine lacks to make certificates; undefined when nothing. */
export function missingOpenssl(): string | undefined {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no openssl here: install the package openssl';
  }
}

/** An authority of its own and a certificate by it, for a server or a client on this machine. */
export function makeCertificates(folder: string, names = 'IP:127.0.0.1,DNS:localhost'): Certificates {
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=authority', '-days', '2');
  openssl('req', ...key, '-keyout', 'leaf.key', '-out', 'leaf.csr', '-subj', '/CN=leaf');
  writeFileSync(file('leaf.ext'), `subjectAltName=${names}\n`);
  const sign = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'leaf.ext', '-days', '2'];
  openssl('x509', '-req', '-in', 'leaf.csr', '-out', 'leaf.pem', ...sign);
  return { caFile: file('ca.pem'), certFile: file('leaf.pem'), keyFile: file('leaf.key') };
}
