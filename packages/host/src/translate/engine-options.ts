import type { AppDefinition, BusUse, EngineLimits, EngineOptions, EnginePolicies } from '@aep/engine';
import { AepError, nearestName } from '@aep/kernel';
import { type AppModel, configOrigin, type Model } from '@aep/model';
import { configurationOf } from '../configured-values.js';
import type { StoreContext } from './storage.js';

export interface TranslationContext extends StoreContext {
  readonly model: Model;
  /** How long the stop of the engine may take. */
  readonly stopTimeoutMs: number;
}

/**
 * One app of the model as options of its engine; the README has the table. What the engine cannot do has been refused
 * before.
 *
 * @throws AEP_MESSAGE_POLICY_UNKNOWN (reject)
 */
export function engineOptionsOf(
  app: AppModel,
  definition: AppDefinition,
  buses: readonly BusUse[],
  context: TranslationContext,
): Omit<EngineOptions, 'store'> {
  const { model, clock, random, log } = context;
  const haPolicy = haPolicyOf(app, model);
  return {
    name: app.name,
    app: definition,
    buses,
    ...(haPolicy === undefined ? {} : { haPolicy }),
    verifyReplay: app.storage.verifyReplay,
    policies: policiesOf(app, definition),
    limits: limitsOf(app, context.stopTimeoutMs),
    configuration: configurationOf(app.properties, model.env),
    clock,
    random,
    log,
    latencies: app.statistics.enabled && app.statistics.latencies,
  };
}

/** A policy that nobody wrote follows the code: an app with a state codec is event-sourced. */
function haPolicyOf(app: AppModel, model: Model): AppModel['policies']['haPolicy'] | undefined {
  const origin = configOrigin(model, `x.apps.${app.name}.policies.haPolicy`)?.origin;
  const isDefault = origin?.kind === 'default' && app.policies.haPolicy === 'StateReplication';
  return isDefault ? undefined : app.policies.haPolicy;
}

function policiesOf(app: AppModel, definition: AppDefinition): EnginePolicies {
  const { policies, messaging } = app;
  return {
    appException: policies.appExceptionPolicy,
    appExceptionByType: exceptionPolicies(app, definition),
    retriesMax: policies.retriesMax,
    retryBackoffMs: policies.retryDelayMs,
    retryBackoffMaxMs: policies.retryDelayMaxMs,
    unhandledMessage: policies.unhandledMessagePolicy,
    inboundAck: policies.inboundAckPolicy,
    defaultHandler: policies.defaultHandlerPolicy,
    messagingStartFail: messaging.messagingStartFailPolicy,
    preserveChannelJoinsOnStop: messaging.preserveChannelJoinsOnStop,
  };
}

function exceptionPolicies(app: AppModel, definition: AppDefinition): EnginePolicies['appExceptionByType'] {
  const known = definition.factories.flatMap((factory) => factory.types.map(({ fullName }) => fullName));
  const byType: Record<string, EnginePolicies['appException']> = {};
  for (const { name, appExceptionPolicy } of app.policies.messagePolicies) {
    if (!known.includes(name)) throw unknownType(app.name, name, known);
    byType[name] = appExceptionPolicy;
  }
  return byType;
}

function unknownType(app: string, name: string, known: readonly string[]): AepError {
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? '' : `: did you mean "${nearest}"?`;
  return new AepError(
    'AEP_MESSAGE_POLICY_UNKNOWN',
    'reject',
    `x.apps.${app}.policies.messagePolicies: no factory of the app has a message type "${name}"${hint}`,
    {
      app,
      type: name,
    },
  );
}

function limitsOf(app: AppModel, stopDeadlineMs: number): Partial<EngineLimits> {
  const { limits, storage, policies, transactions } = app;
  return {
    inboundQueueMax: limits.inboundQueueMax,
    transactionsInFlightMax: limits.transactionsInFlightMax,
    outboundPendingMax: limits.outboundPendingMax,
    messageBytesMax: limits.messageBytesMax,
    commitBatchMax: transactions.commitBatchMax,
    eventsPerTurnMax: limits.eventsPerTurnMax,
    stuckAlertThresholdMs: policies.stuckAlertThresholdMs,
    stopDeadlineMs,
    delayedAckTimeoutMs: policies.delayedAckTimeoutMs,
    timersMax: limits.timersMax,
    cachedEntitiesMax: limits.cachedEntitiesMax,
    dedupeStreamsCachedMax: limits.dedupeStreamsCachedMax,
    idempotencyRetentionMs: storage.idempotencyRetentionMs,
    snapshotEvery: storage.snapshotEvery,
    journalRetentionMs: storage.persistence.journalRetentionMs,
    checkpointIntervalMs: storage.persistence.checkpointIntervalMs,
    checkpointEntriesMax: storage.persistence.checkpointEntries,
    journalRetentionRecords: storage.persistence.journalRetentionRecords,
  };
}
