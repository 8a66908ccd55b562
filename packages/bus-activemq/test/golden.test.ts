import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { roster, type TestApp } from '@aep/bus/contract';
import { StompWorld } from './scripted-broker.js';

// Scripts of the frames: commands, ----, what clients send (>) and the broker answers (<), by number of the connection.
// `AEP_REWRITE=1` writes the traces anew; read the diff.
const folder = new URL('../../test/golden/', import.meta.url);
const isRewriting = process.env['AEP_REWRITE'] === '1';

describe('golden scripts of the frames', () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
    it(file, async () => {
      const path = new URL(file, folder);
      const [script, recorded] = readFileSync(path, 'utf8').split('----\n') as [string, string | undefined];
      const trace = await new Script().run(script);
      if (isRewriting) writeFileSync(path, `${script}----\n${trace}`);
      else assert.equal(trace, recorded);
    });
  }
});

class Script {
  private readonly lines: string[] = [];
  // The incarnation of a test's sender is a new number each time.
  private readonly world = new StompWorld({
    tap: (line) => this.lines.push(line.replace(/(aep-metadata=\d+ \d+ \d+) \d+/, '$1 _')),
  });
  private readonly apps = new Map<string, TestApp>();

  async run(script: string): Promise<string> {
    for (const line of script.split('\n').filter((text) => text !== '' && !text.startsWith('#'))) {
      this.lines.push(`> ${line}`);
      await this.command(line.split(' '));
      await this.world.pass(2);
    }
    return `${this.lines.join('\n')}\n`;
  }

  private async command([verb, name = '', ...rest]: string[]): Promise<void> {
    const app = (): TestApp => this.apps.get(name)!;
    switch (verb) {
      case 'open':
        this.apps.set(name, await this.world.makeApp({ app: name, roster: roster(['b', 'orders']) }).open());
        return;
      case 'join':
        await app().join(rest[0]!, rest.length > 1 ? rest.slice(1) : ['**']);
        return;
      case 'send':
        return send(app(), 'orders', rest);
      case 'tick':
        return send(app(), 'ticks', rest);
      case 'hold':
        this.world.reaction = ({ command }) => (command === 'SEND' || command === 'COMMIT' ? 'handled' : 'pass');
        return;
      case 'release':
        this.world.reaction = () => 'pass';
        return;
      case 'cut':
        return this.world.network.reset(name, 'broker');
      case 'close':
        return app().close();
      case 'leave':
        return app().close(false);
      case 'pass':
        return this.world.pass(Number(name));
      default:
        assert.fail(`unknown command ${verb ?? ''}`);
    }
  }
}

/** In one turn, so that they are one batch. */
function send(app: TestApp, channel: string, texts: readonly string[]): void {
  for (const text of texts) app.binding.send(app.makeOutbound(channel, 'N/US', text));
  app.binding.flush();
}
