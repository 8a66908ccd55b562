import assert from 'node:assert/strict';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { startXvm, type Xvm } from '@aep/host';
import { silentLog } from '@aep/kernel';
import { boardTotal, sale, shopModel, temporaryDir, testDir } from './shop.js';

test('apps of two xvms meet on a direct bus; what is sent while the receiver is away arrives when it comes', async (context) => {
  const running: Xvm[] = [];
  context.after(async () => await Promise.all(running.map((xvm) => xvm.stop())));
  const dataDir = temporaryDir(context);
  const { text, file } = shopModel();
  const at = async (): Promise<string> => `127.0.0.1:${await freePort()}`;
  const peers = `<properties><peer><till>${await at()}</till><board>${await at()}</board></peer></properties>`;
  const model = { file, text: text.replace('descriptor="loopback://shop">', `descriptor="direct://">${peers}`) };
  const start = async (app: string): Promise<Xvm> => {
    const xvm = await startXvm({ model, modelDir: testDir, dataDir, log: silentLog, apps: [app] });
    running.push(xvm);
    return xvm;
  };
  const till = await start('till');
  await till.engine('till').inject(sale('tea', 1));
  assert.ok(till.engine('till').statistics().inFlight > 0, 'the roster names the board, though it is not there');
  const board = await start('board');
  await till.engine('till').whenIdle();
  assert.equal(boardTotal(board, 'tea'), 3);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
