import { readFileSync } from 'node:fs';
import process from 'node:process';
import { isAbsolute, resolve } from 'node:path';
import { type MemberOptions, openArbiter, type Arbiter, parseArbiterDescriptor } from '@aep/cluster';
import { AepError, type Clock, type Log, type Random, toError } from '@aep/kernel';
import type { AppModel, ClusteringModel, XvmAppModel, XvmModel } from '@aep/model';
import { type Network, TcpNetwork, TlsNetwork } from '@aep/net';
import { HOST_VERSION } from '../version.js';

export interface MemberContext {
  readonly xvm: XvmModel | undefined;
  readonly dataDir: string;
  /** Base of the files that the model names. */
  readonly modelDir: string;
  readonly environment: Readonly<Record<string, string | undefined>> | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** The clustering part of an app, when it has one: it is then a member of a group. */
export function clusteringOf(app: AppModel): ClusteringModel | undefined {
  return app.storage.clustering ?? undefined;
}

/**
 * What the model says about this process's member of the app's group: its name is the xvm's (M5), and the xvm's entry of the
 * app goes before the app's clustering part.
 *
 * @throws AEP_MEMBER_UNNAMED, AEP_SECRET_MISSING (reject)
 */
export function memberOptionsOf(app: AppModel, clustering: ClusteringModel, context: MemberContext): MemberOptions {
  const { xvm } = context;
  if (xvm === undefined) {
    throw new AepError(
      'AEP_MEMBER_UNNAMED',
      'reject',
      `app "${app.name}" is a member of group "${clustering.groupName}", and the model has no xvm that could name the member: add <xvms> with one xvm for each member`,
      { app: app.name },
    );
  }
  const entry: XvmAppModel | undefined = xvm.apps.find(({ name }) => name === app.name);
  const host = entry?.linkAddress ?? clustering.linkAddress;
  const port = entry?.linkPort ?? clustering.linkPort;
  const secret = secretOf(app, clustering, context);
  return {
    group: clustering.groupName,
    name: xvm.name,
    address: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    priority: entry?.priority ?? clustering.priority,
    version: HOST_VERSION,
    insecureLink: clustering.insecureLink,
    acks: clustering.acks,
    ...(secret === undefined ? {} : { secret }),
    limits: {
      heartbeatMs: clustering.heartbeatIntervalMs,
      silenceMs: clustering.silenceTimeoutMs,
      checkpointIntervalMs: app.storage.persistence.checkpointIntervalMs,
      checkpointEntriesMax: app.storage.persistence.checkpointEntries,
    },
  };
}

/** @throws AEP_ARBITER_DESCRIPTOR (reject), at once; what is returned throws AEP_ARBITER_OPEN */
export function arbiterOf(clustering: ClusteringModel, context: MemberContext): () => Arbiter {
  const { dataDir, clock, random, log } = context;
  const parsed = parseArbiterDescriptor(clustering.arbiter);
  // As all paths of a model that are not absolute: below the data directory.
  const descriptor =
    parsed.kind === 'embedded' && !isAbsolute(parsed.path)
      ? `embedded://${resolve(dataDir, parsed.path)}`
      : clustering.arbiter;
  return () => openArbiter({ descriptor, group: clustering.groupName, clock, random, log });
}

/** TLS with certificates on both sides when the model names them (H13). @throws AEP_CERTIFICATE_UNREADABLE, AEP_CERTIFICATE_INVALID (reject) */
export function networkOf(
  app: AppModel,
  { caFile, certFile, keyFile }: ClusteringModel,
  context: MemberContext,
): Network {
  if (caFile === null || certFile === null || keyFile === null) return new TcpNetwork();
  const text = (file: string): string => {
    const path = resolve(context.modelDir, file);
    try {
      return readFileSync(path, 'utf8');
    } catch (thrown) {
      throw new AepError(
        'AEP_CERTIFICATE_UNREADABLE',
        'reject',
        `x.apps.${app.name}.storage.clustering: ${path} cannot be read: ${toError(thrown).message}`,
        { app: app.name, path },
        thrown,
      );
    }
  };
  const identity = { ca: text(caFile), cert: text(certFile), key: text(keyFile) };
  try {
    return new TlsNetwork(identity);
  } catch (thrown) {
    throw new AepError(
      'AEP_CERTIFICATE_INVALID',
      'reject',
      `x.apps.${app.name}.storage.clustering: ${caFile}, ${certFile} and ${keyFile}: ${toError(thrown).message}`,
      { app: app.name },
      thrown,
    );
  }
}

function secretOf(app: AppModel, { secretEnv }: ClusteringModel, { environment }: MemberContext): string | undefined {
  if (secretEnv === null) return undefined;
  const secret = (environment ?? process.env)[secretEnv];
  if (secret !== undefined && secret !== '') return secret;
  throw new AepError(
    'AEP_SECRET_MISSING',
    'reject',
    `x.apps.${app.name}.storage.clustering.secretEnv: the environment has no variable ${secretEnv}: set it to the secret of the group`,
    { app: app.name, variable: secretEnv },
  );
}
