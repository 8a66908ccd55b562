import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files of one member, as `clustering` of a model names them. */
export interface Certificates {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface CertificateOptions {
  /** Whom it is for. @default IP:127.0.0.1 */
  readonly subject?: string;
  /** From now; negative: it has expired. @default 2 */
  readonly days?: number;
}

/** An authority and its certificates, made by openssl in a folder. */
export class Authority {
  private readonly caFile: string;

  constructor(
    private readonly folder: string,
    private readonly name: string,
  ) {
    this.caFile = this.file('ca.pem');
    const days = ['-days', '2'];
    openssl(['req', '-x509', ...KEY, this.file('ca.key'), '-out', this.caFile, '-subj', `/CN=${name}`, ...days]);
  }

  issue(member: string, { subject = 'IP:127.0.0.1', days = 2 }: CertificateOptions = {}): Certificates {
    const [keyFile, certFile] = [this.file(`${member}.key`), this.file(`${member}.pem`)];
    const [request, extensions] = [this.file(`${member}.csr`), this.file(`${member}.ext`)];
    writeFileSync(extensions, `subjectAltName=${subject}\n`);
    openssl(['req', ...KEY, keyFile, '-out', request, '-subj', `/CN=${member}`]);
    const authority = ['-CA', this.caFile, '-CAkey', this.file('ca.key'), '-CAcreateserial'];
    const what = ['-in', request, '-out', certFile, '-extfile', extensions, '-days', String(days)];
    openssl(['x509', '-req', ...authority, ...what]);
    return { caFile: this.caFile, certFile, keyFile };
  }

  private file(name: string): string {
    return join(this.folder, `${this.name}-${name}`);
  }
}

/** What this machine lacks; undefined when certificates can be made. */
export function opensslMissing(): string | undefined {
  try {
    openssl(['version']);
    return undefined;
  } catch {
    return 'no openssl here: install the package openssl';
  }
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout'];

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
