import { readFileSync } from 'node:fs';
import { AepError, type Clock, type Log, type Random, toError } from '@aep/kernel';
import type { Arbiter } from './arbiter.js';
import { type EtcdDescriptor, parseArbiterDescriptor } from './arbiter-descriptor.js';
import { openEmbeddedArbiter } from './embedded-arbiter.js';
import { openEtcdArbiter } from './etcd-arbiter.js';

export interface OpenArbiterOptions {
  /** See {@link parseArbiterDescriptor}. */
  readonly descriptor: string;
  readonly group: string;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: Log;
}

/**
 * The arbiter that a descriptor names.
 *
 * @throws AEP_ARBITER_DESCRIPTOR, AEP_ARBITER_OPEN, AEP_OPTION_INVALID
 */
export function openArbiter({ descriptor, ...context }: OpenArbiterOptions): Arbiter {
  const parsed = parseArbiterDescriptor(descriptor);
  return parsed.kind === 'embedded'
    ? openEmbeddedArbiter({ ...context, path: parsed.path })
    : openEtcd(parsed, context);
}

function openEtcd(descriptor: EtcdDescriptor, context: Omit<OpenArbiterOptions, 'descriptor'>): Arbiter {
  const { endpoints, prefix, user, passwordFile, caFile, certFile, keyFile } = descriptor;
  return openEtcdArbiter({
    ...context,
    endpoints,
    prefix,
    ...(user === undefined ? {} : { user }),
    ...(passwordFile === undefined ? {} : { password: textOf(passwordFile).trim() }),
    tls: {
      ...(caFile === undefined ? {} : { ca: textOf(caFile) }),
      ...(certFile === undefined ? {} : { cert: textOf(certFile) }),
      ...(keyFile === undefined ? {} : { key: textOf(keyFile) }),
    },
  });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new AepError(
      'AEP_ARBITER_OPEN',
      'fatal',
      `the file ${file} that the arbiter's descriptor names cannot be read: ${toError(thrown).message}`,
      { file },
      thrown,
    );
  }
}
