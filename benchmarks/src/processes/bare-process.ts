import { createServer, type Socket } from 'node:net';
import process from 'node:process';
import { BareLoop } from '../bare-loop.js';
import { ANSWER_BYTES, readFrames } from '../bare-client.js';
import { readyUntil } from './child.js';

/**
 * The bare loop behind a socket: `bare-process.js PATH PORT`. Orders come as a length and their bytes; each is
 * answered by its number once it is durable.
 */
const [path = '', port = ''] = process.argv.slice(2);
let client: Socket | undefined;
let answered = 0;
const loop = new BareLoop(path, (count) => {
  const answers = Buffer.allocUnsafe(count * ANSWER_BYTES);
  for (let at = 0; at < answers.length; at += ANSWER_BYTES) answers.writeDoubleLE(answered++, at);
  client?.write(answers);
});
const server = createServer((socket) => {
  client = socket.setNoDelay(true);
  const take = readFrames((order) => loop.take(order));
  socket.on('data', (data) => {
    take(data);
    loop.flush();
  });
  socket.on('close', () => (client = undefined));
});
server.listen(Number(port), '127.0.0.1', () => {
  readyUntil({}, async () => {
    server.close();
    client?.destroy();
    await loop.close();
  });
});
