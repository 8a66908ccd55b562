import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { roster, type TestApp } from '@aep/bus/contract';
import { DirectWorld } from './direct-world.js';

// Scripts of the protocol: commands, ----, the frames that they cause. `AEP_REWRITE=1` writes the traces anew; read the diff.
const folder = new URL('../../test/golden/', import.meta.url);
const isRewriting = process.env['AEP_REWRITE'] === '1';

describe('golden scripts of the direct protocol', () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
    it(file, async () => {
      const path = new URL(file, folder);
      const [script, recorded] = readFileSync(path, 'utf8').split('----\n') as [string, string | undefined];
      const trace = await runScript(script);
      if (isRewriting) writeFileSync(path, `${script}----\n${trace}`);
      else assert.equal(trace, recorded);
    });
  }
});

async function runScript(script: string): Promise<string> {
  const lines: string[] = [];
  const world = new DirectWorld({ tap: (line) => lines.push(line) });
  const apps = new Map<string, TestApp>();
  for (const line of script.split('\n').filter((text) => text !== '' && !text.startsWith('#'))) {
    lines.push(`> ${line}`);
    await runCommand(line.split(' '), world, apps);
  }
  return `${lines.join('\n')}\n`;
}

async function runCommand(
  [verb, name = '', ...rest]: string[],
  world: DirectWorld,
  apps: Map<string, TestApp>,
): Promise<void> {
  const app = (): TestApp => apps.get(name)!;
  switch (verb) {
    case 'open':
      apps.set(name, await world.makeApp({ app: name, roster: roster(['b', 'orders']) }).open());
      return;
    case 'hold':
      app().isAutoAck = false;
      return;
    case 'ack':
      app().isAutoAck = true;
      return app().acknowledge();
    case 'join':
      await app().join(rest[0]!);
      return;
    case 'send':
      return app().sendAll('orders', 'k', rest);
    case 'stop':
      return app().binding.stopReading();
    case 'close':
      return app().close();
    case 'reset':
      return world.network.reset(name, rest[0]!);
    case 'block':
      return world.network.block(name, rest[0]!);
    case 'unblock':
      return world.network.unblock(name, rest[0]!);
    case 'pass':
      return world.pass(Number(name));
    default:
      assert.fail(`unknown command ${verb ?? ''}`);
  }
}
