import assert from 'node:assert/strict';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'node:test';
import { type BrokerKind, BrokerProcess, didNotRun, FaultProxy, natsServer } from '@aep/brokers';
import { AepError } from '@aep/kernel';

/** A broker of ten lines: it greets with its process id, and says everything back. */
const echo: BrokerKind = {
  name: 'echo',
  missing: () => undefined,
  prepare: ({ ports: [port] }) => ({
    file: process.execPath,
    args: [
      '-e',
      `require('node:net').createServer((s) => { s.on('error', () => {}); s.write(process.pid + '\\n'); s.pipe(s); }).listen(${port}, '127.0.0.1')`,
    ],
  }),
};

test('a broker is killed and started again on the same port, and leaves nothing behind', async () => {
  const broker = await (await BrokerProcess.create(echo)).start();
  const first = await greeting(broker.port);
  await broker.restart();
  const second = await greeting(broker.port);
  assert.notEqual(second, first);
  await broker.dispose();
  assert.throws(() => process.kill(Number(second), 0), { code: 'ESRCH' });
});

test('a broker that ends at its start is an error with what it said', async () => {
  const broken: BrokerKind = {
    ...echo,
    prepare: () => ({ file: process.execPath, args: ['-e', 'console.error("no such port"); process.exit(3)'] }),
  };
  const broker = await BrokerProcess.create(broken);
  await assert.rejects(
    () => broker.start(),
    (error) => error instanceof AepError && error.code === 'AEP_BROKER_NOT_READY' && /no such port/.test(error.message),
  );
  await broker.dispose();
});

test('a fault proxy cuts, refuses and stalls connections, and lets them through again', async () => {
  const broker = await (await BrokerProcess.create(echo)).start();
  const proxy = await FaultProxy.listen(broker.port);
  assert.match(await greeting(proxy.port), /^\d+$/);
  const cut = await connected(proxy.port);
  const ended = new Promise((resolve) => cut.once('close', resolve));
  proxy.cut();
  await ended;
  proxy.refuse();
  assert.equal(await greeting(proxy.port), 'closed');
  proxy.accept();
  const stalled = await connected(proxy.port);
  let heard = '';
  stalled.on('data', (data) => (heard += data.toString()));
  proxy.stall();
  stalled.write('after the stall');
  await delay(100);
  assert.doesNotMatch(heard, /after/);
  proxy.flow();
  while (!heard.includes('after the stall')) await delay(5);
  stalled.destroy();
  await proxy.dispose();
  await broker.dispose();
});

test('a fault proxy stalls one direction while the other goes on', async () => {
  const asked: string[] = [];
  const target = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => void asked.push(data.toString()));
    socket.write('welcome');
  });
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
  const proxy = await FaultProxy.listen((target.address() as AddressInfo).port);
  proxy.stall('fromTarget');
  const socket = createConnection({ host: '127.0.0.1', port: proxy.port });
  const heard: string[] = [];
  socket.on('data', (data) => void heard.push(data.toString()));
  socket.write('who is there?');
  while (asked.join('') !== 'who is there?') await delay(5);
  assert.deepEqual(heard, []);
  proxy.flow();
  while (heard.join('') !== 'welcome') await delay(5);
  proxy.stall('toTarget');
  socket.write(' nobody?');
  await delay(100);
  assert.equal(asked.join(''), 'who is there?');
  proxy.flow();
  while (asked.join('') !== 'who is there? nobody?') await delay(5);
  socket.destroy();
  await proxy.dispose();
  await new Promise((resolve) => target.close(resolve));
});

test('NATS starts on loopback, keeps its folder through kill -9, and speaks', async (context) => {
  const kind = natsServer();
  if (didNotRun(context, kind)) return;
  const broker = await (await BrokerProcess.create(kind)).start();
  await broker.restart();
  assert.match(await greeting(broker.port), /"jetstream":true/);
  await broker.dispose();
});

test('a machine without a broker is told what to run, and the test does not pass for one that ran', () => {
  const said: string[] = [];
  const kind = { ...echo, missing: () => 'no echo here: run scripts/echo.sh install' };
  assert.equal(didNotRun({ diagnostic: (message) => said.push(message) }, kind), true);
  assert.deepEqual(said, ['DID NOT RUN: no echo here: run scripts/echo.sh install']);
});

function connected(port: number): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.on('error', () => undefined);
    socket.once('data', () => resolve(socket));
  });
}

/** The first line, or `closed`. */
function greeting(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.on('error', () => undefined);
    socket.once('close', () => resolve('closed'));
    socket.once('data', (data) => {
      resolve(data.toString().trim());
      socket.destroy();
    });
  });
}
