import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { World } from './world.js';

// Scripts of the protocol: commands, ----, the frames and changes of the register that they cause. `AEP_REWRITE=1` writes the
// traces anew; read the diff.
const folder = new URL('../../test/golden/', import.meta.url);
const isRewriting = process.env['AEP_REWRITE'] === '1';

describe('golden scripts of the link between members', () => {
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
  const world = new World(['a', 'b'], { limits: { copyChunkBytesMax: 1_000 } });
  world.tap = (line) => lines.push(line);
  let epoch = 0;
  const lookAtRegister = (): void => {
    const { record } = world.register;
    if (record === undefined || record.epoch === epoch) return;
    epoch = record.epoch;
    lines.push(`register ${epoch}: ${record.primary.name} of ${record.members.map(({ name }) => name).join(' ')}`);
  };
  for (const line of script.split('\n').filter((text) => text !== '' && !text.startsWith('#'))) {
    lines.push(`> ${line}`);
    await runCommand(line.split(' '), world);
    const waits = /^(?:boot|write|switch|wait)/.test(line) ? 5_000 : 0;
    for (let step = 0; step < waits && !world.isWhole(); step++) {
      await world.advance(1);
      lookAtRegister();
    }
    lookAtRegister();
  }
  return `${lines.join('\n')}\n`;
}

async function runCommand([verb, name = '', other = '']: string[], world: World): Promise<void> {
  switch (verb) {
    case 'boot':
      return void world.boot(name);
    case 'kill':
      return world.kill(name);
    case 'lose':
      return world.loseDisk(name);
    case 'write':
    case 'append': // and does not wait until it is stable
      world.machine(name).write(Number(other));
      return;
    case 'block':
      return world.network.block(name, other);
    case 'unblock':
      return world.network.unblock(name, other);
    case 'keep':
      world.released.keptRecords = Number(name);
      return;
    case 'switch':
      return world.machine(name).member.switchTo(other, () => undefined);
    case 'wait':
      return;
    case 'pass':
      return await world.advance(Number(name));
    default:
      assert.fail(`unknown command ${verb ?? ''}`);
  }
}
