import { AepError, type Log } from '@aep/kernel';
import { configOrigin, describeOrigin, type AppModel, type Model } from '@aep/model';

/** Something that a model can say and this version cannot do. */
interface Unavailable {
  /** Below `x.apps.<app>.` */
  readonly setting: string;
  readonly isAsked: (app: AppModel) => boolean;
  readonly instead: string;
}

/** Each would silently weaken a promise if it were passed over, so the start is refused. */
const REFUSED: readonly Unavailable[] = [
  {
    setting: 'startupExpectations.role',
    isAsked: (app) => app.startupExpectations.role === 'Backup' && app.storage.clustering === null,
    instead: 'an app without a <clustering> part is always primary: set role="None", or make it a member of a group',
  },
  {
    setting: 'storage.dedupeRetention',
    isAsked: ({ storage }) => storage.dedupeRetentionMs !== null,
    instead: 'marks of senders are kept for ever: remove dedupeRetention',
  },
  {
    setting: 'storage.persistence.compaction',
    isAsked: ({ storage }) => storage.persistence.compaction !== 'None',
    instead: 'set compaction="None"',
  },
  {
    setting: 'transactions.savepoints',
    isAsked: ({ transactions }) => !transactions.savepoints,
    instead: 'savepoints are always allowed: remove savepoints="false"',
  },
  {
    setting: 'messaging.buses.channels.preserveJoinsOnClose',
    isAsked: ({ messaging }) =>
      messaging.buses.some(({ channels }) =>
        channels.some(({ preserveJoinsOnClose }) => preserveJoinsOnClose !== 'Default'),
      ),
    instead: 'joins are kept or left for the whole app: use preserveChannelJoinsOnStop',
  },
];

/** These only change what is shown; the app is as safe without them, so a line in the log will do. */
const IGNORED: readonly Unavailable[] = [
  {
    setting: 'statistics.interval',
    isAsked: ({ statistics }) => statistics.intervalMs !== 1000,
    instead: 'statistics are read when they are asked for; see heartbeats of the xvm',
  },
];

/** @throws AEP_NOT_AVAILABLE (reject) naming the setting, where it was written and what to do */
export function refuseUnavailable(model: Model, app: AppModel, log: Log): void {
  for (const { setting, isAsked, instead } of REFUSED) {
    if (!isAsked(app)) continue;
    const name = `x.apps.${app.name}.${setting}`;
    throw new AepError(
      'AEP_NOT_AVAILABLE',
      'reject',
      `${placeOf(model, name)}${name}: this version cannot do that: ${instead}`,
      { app: app.name, setting: name },
    );
  }
  for (const { setting, isAsked, instead } of IGNORED) {
    if (isAsked(app))
      log.log('warn', `x.apps.${app.name}.${setting} has no effect in this version: ${instead}`, { app: app.name });
  }
}

function placeOf(model: Model, setting: string): string {
  const origin = configOrigin(model, setting)?.origin;
  return origin === undefined || origin.kind === 'default' ? '' : `${describeOrigin(origin)} `;
}
