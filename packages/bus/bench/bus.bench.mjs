// Quick numbers for keys, subscription matching and the loopback bus: node packages/bus/bench/bus.bench.mjs
import { SystemClock, SeededRandom, silentLog } from '@aep/kernel';
import { MessageMetadata } from '@aep/messages';
import { compileKeyTemplate, LoopbackProvider, PatternMatcher } from '@aep/bus';

function print(...words) {
  process.stdout.write(`${words.join(' ')}\n`);
}

function measure(name, count, run) {
  run(Math.min(count, 200_000));
  const started = performance.now();
  run(count);
  const perSecond = count / ((performance.now() - started) / 1000);
  print(`${name.padEnd(48)} ${(perSecond / 1e6).toFixed(2)} M/s`);
}

const field = (name, kind, extra) => ({
  name,
  protoName: name,
  kind,
  repeated: false,
  presence: false,
  get: (m) => m[name],
  has: (m) => m[name] !== '',
  ...extra,
});
const type = {
  fullName: 'bench.Order',
  fields: [
    field('region', 'string'),
    field('department', 'string'),
    field('state', 'enum', {
      enumNames: new Map([
        [0, 'New'],
        [1, 'Amended'],
      ]),
    }),
  ],
};
const messages = Array.from({ length: 64 }, (_, n) => ({
  region: `region${n % 7}`,
  department: `dept${n % 13}`,
  state: n & 1,
}));
const resolver = compileKeyTemplate('OrderEvents/${State}/${Region}/${Department}', { channel: 'c@b' }).bind(type);
let length = 0;
measure('resolve a key of three variables', 5_000_000, (count) => {
  for (let n = 0; n < count; n++) length += resolver.resolve(messages[n & 63]).length;
});

const matcher = new PatternMatcher();
for (let n = 0; n < 10_000; n++) matcher.add(`A/${n}/*`, n);
const keys = Array.from({ length: 5000 }, (_, n) => `A/${n * 2}/x`);
measure('match among 10,000 subscriptions, remembered keys', 3_000_000, (count) => {
  for (let n = 0; n < count; n++) length += matcher.match(keys[n % 5000]).length;
});
const forgetful = new PatternMatcher(1);
for (let n = 0; n < 10_000; n++) forgetful.add(`A/${n}/*`, n);
measure('match among 10,000 subscriptions, new keys', 1_000_000, (count) => {
  for (let n = 0; n < count; n++) length += forgetful.match(keys[n % 5000]).length;
});

const clock = new SystemClock();
const channel = { name: 'orders', id: 1, qos: 'Guaranteed', properties: {} };
const bus = {
  name: 'b',
  provider: 'loopback',
  address: '',
  port: 0,
  properties: {},
  channels: [channel],
  roster: [{ app: 'b', channel: 'orders', patterns: ['**'] }],
};
const provider = new LoopbackProvider();
const nothing = () => {};
const quiet = {
  onConfirmed: nothing,
  onWritable: nothing,
  onChannelUp: nothing,
  onChannelDown: nothing,
  onBindingDown: nothing,
  onBindingUp: nothing,
  onBindingFailed: nothing,
};
const options = (app, listener) => ({
  bus,
  app,
  clock,
  random: new SeededRandom(1),
  log: silentLog,
  listener: { ...quiet, ...listener },
  failPolicy: 'Reconnect',
  unacknowledgedMax: 4096,
  unconfirmedMax: 8192,
  messageBytesMax: 1_000_000,
});
const total = 1_000_000;
let sent = 0;
let confirmed = 0;
const started = performance.now();
const outbounds = Array.from({ length: 8192 }, () => ({
  channel,
  key: 'k',
  metadata: new MessageMetadata(),
  bytes: new Uint8Array(200),
  start: 0,
  end: 200,
}));
const a = provider.createBinding(
  options('a', {
    onConfirmed() {
      if (++confirmed === total)
        print(
          `${'loopback, Guaranteed, 200 bytes, confirmed'.padEnd(48)} ${(total / (performance.now() - started) / 1000).toFixed(2)} M/s`,
          length > 0 ? '' : '!',
        );
    },
    onWritable: () => pump(),
  }),
);
let received = [];
const b = provider.createBinding(
  options('b', {
    onDelivery(delivery) {
      if (received.push(delivery) === 1)
        setImmediate(() => {
          const batch = received;
          received = [];
          for (const d of batch) b.acknowledge(d);
        });
      return 'accepted';
    },
  }),
);
function pump() {
  while (sent < total && a.send(outbounds[sent & 8191]) === 'accepted') sent++;
}
a.open(() =>
  b.open(() => {
    b.join(channel, ['**']);
    pump();
  }),
);
