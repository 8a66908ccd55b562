// Two processes over TCP on this machine: node packages/bus-direct/bench/direct.bench.mjs [messages] [bytes]
import { fork } from 'node:child_process';
import { SeededRandom, silentLog, SystemClock } from '@aep/kernel';
import { MessageMetadata } from '@aep/messages';
import { DirectProvider } from '@aep/bus-direct';

function print(...words) {
  process.stdout.write(`${words.join(' ')}\n`);
}

const channel = { name: 'orders', id: 1, qos: 'Guaranteed', properties: {} };
const bus = {
  name: 'bench',
  provider: 'direct',
  address: '',
  port: 0,
  properties: { 'peer.b': '127.0.0.1:45871' },
  channels: [channel],
  roster: [{ app: 'b', channel: 'orders', patterns: ['**'] }],
};
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

function makeBinding(app, listener) {
  return new DirectProvider().createBinding({
    bus,
    app,
    clock: new SystemClock(),
    random: new SeededRandom(1),
    log: silentLog,
    listener: { ...quiet, ...listener },
    failPolicy: 'Reconnect',
    unacknowledgedMax: 16_384,
    unconfirmedMax: 32_768,
    messageBytesMax: 1_000_000,
  });
}

if (process.argv[2] === 'receiver') {
  let batch = [];
  const binding = makeBinding('b', {
    onDelivery(delivery) {
      if (batch.push(delivery) === 1) {
        setImmediate(() => {
          const done = batch;
          batch = [];
          for (const one of done) binding.acknowledge(one);
        });
      }
      return 'accepted';
    },
    onChannelUp: () => process.send('up'),
  });
  binding.open(() => binding.join(channel, ['**']));
  process.on('disconnect', () => process.exit(0));
} else {
  const total = Number(process.argv[2] ?? 1_000_000);
  const bytes = Number(process.argv[3] ?? 250);
  const outbounds = Array.from({ length: 32_768 }, (_, n) => {
    const metadata = new MessageMetadata();
    Object.assign(metadata, {
      factoryId: 1,
      typeId: 2,
      senderId: 0x12345678,
      incarnation: 1,
      sno: n + 1,
      channelSno: n + 1,
      sentAtMs: 1_790_000_000_000,
    });
    return { channel, key: `NEWORDERS/US/${n % 100}`, metadata, bytes: new Uint8Array(bytes), start: 0, end: bytes };
  });
  const child = fork(process.argv[1], ['receiver']);
  let sent = 0;
  let confirmed = 0;
  let started = 0;
  const binding = makeBinding('a', {
    onConfirmed() {
      if (++confirmed < total) return;
      const seconds = (performance.now() - started) / 1000;
      const cpu = process.cpuUsage();
      print(
        `${total} messages of ${bytes} bytes: ${Math.round(total / seconds)} msg/s confirmed, sender CPU ${(((cpu.user + cpu.system) / 1e6 / seconds) * 100).toFixed(0)} %`,
      );
      child.disconnect();
      process.exit(0);
    },
    onWritable: () => pump(),
  });
  function pump() {
    while (sent < total && binding.send(outbounds[sent & 32_767]) === 'accepted') sent++;
    binding.flush();
  }
  child.once('message', () => {
    binding.open(() => {
      started = performance.now();
      pump();
    });
  });
}
