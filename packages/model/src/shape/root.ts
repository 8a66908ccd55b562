import { APP_LIST } from './app.js';
import { BUS_LIST, BUS_PROVIDER_LIST } from './bus.js';
import { choice, duration, flag, integer, list, map, name, object, part, text } from './field.js';

const XVM_APP = object('XvmApp', 'An app that the process hosts.', {
  name: name('Name of an app of the model.'),
  autoStart: flag('Start the app with the process.', true),
  linkAddress: text('Address on which this member of the group accepts the others; null: as clustering says.', {
    default: null,
  }),
  linkPort: integer('Port on which this member of the group accepts the others; null: as clustering says.', {
    max: 65_535,
    default: null,
  }),
  priority: integer('Priority of this member of the group; null: as clustering says.', { max: 1000, default: null }),
});

const ADMIN = object('Admin', 'Health, metrics and commands over HTTP.', {
  address: text('Address to listen on; beyond the loopback address a token is needed.', { default: '127.0.0.1' }),
  port: integer('Port to listen on; 0: no admin server.', { max: 65_535, default: '0' }),
  token: text('Bearer token that callers must show; null: none.', { default: null, secret: true }),
});

const LOG_LEVELS: readonly [string, ...string[]] = ['info', 'trace', 'debug', 'warn', 'error', 'silent'];

const LOGGING = object('Logging', 'What is logged and how.', {
  level: choice('Lines below this level are not written.', LOG_LEVELS),
  format: choice('text for people, json for machines.', ['text', 'json']),
  levels: map('Levels of single parts by name, such as bus or store.'),
});

const HEARTBEATS = object('Heartbeats', 'A regular line with the statistics of the process.', {
  enabled: flag('Emit heartbeats.', false),
  interval: duration('Time between two heartbeats.', { min: 10, default: '5s' }),
  log: flag('Write each heartbeat to the log.', false),
});

/** M6. */
const XVM = object('Xvm', 'One process that hosts one or more apps.', {
  name: name('Unique in the model.'),
  template: name('Name of an xvm template whose values apply where this xvm gives none.', {
    default: null,
    consumed: true,
  }),
  apps: list('app', XVM_APP, 'Apps that the process hosts.'),
  admin: part(ADMIN),
  logging: part(LOGGING),
  heartbeats: part(HEARTBEATS),
  stopTimeout: duration('How long an orderly stop may take before it is cut short (E4).', { min: 1, default: '10s' }),
});

const PARTS = {
  env: { kind: 'tree', doc: 'Free tree of values: for ${a.b} in this file and for @Configured.' },
  busProviders: BUS_PROVIDER_LIST,
  buses: BUS_LIST,
  apps: APP_LIST,
  xvms: list('xvm', XVM, 'Processes.'),
} as const;

/** What a profile may hold: everything but profiles. Profiles have names of their own beside it. */
export const PROFILE = object('Profile', 'Values that replace or complete the model when the profile is asked for.', {
  name: name('Name by which the profile is asked for.'),
  ...PARTS,
});

/** M3. */
export const MODEL = object('', 'A deployment model: buses, apps, and the processes that host them.', {
  ...PARTS,
  profiles: {
    ...list('profile', PROFILE, 'Variations of the model, merged over it in the order in which they are asked for.'),
    consumed: true,
  },
});
