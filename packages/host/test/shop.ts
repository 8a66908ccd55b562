import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Xvm } from '@aep/host';
import type { Board, Till } from './gen/shop.js';
import { Sale } from './gen/shop.js';

/** The built tests: module references of the models are taken from here. */
export const testDir = dirname(fileURLToPath(import.meta.url));

export interface ShopOptions {
  readonly env?: string;
  readonly till?: string;
  readonly board?: string;
  readonly xvm?: string;
  readonly bus?: string;
}

/** Two apps on a loopback bus; the arguments are put into the XML of the apps and the xvm. */
export function shopModel({ till = '', board = '', xvm = '', bus = '', env = '' }: ShopOptions = {}): {
  text: string;
  file: string;
} {
  const text = `<model>
  <env><till><bonus>1</bonus>${env}</till></env>
  <buses>
    <bus name="shop" descriptor="loopback://shop">
      <channels>
        <channel name="sales"/>
        <channel name="totals"><key>TOTALS/\${Region}/\${Item}</key></channel>${bus}
      </channels>
    </bus>
  </buses>
  <apps>
    <app name="till" mainClass="./shop-apps.js#TillApp">
      <messaging><buses><bus name="shop"><channels><channel name="sales" join="true"/><channel name="totals"/></channels></bus></buses></messaging>${till}
    </app>
    <app name="board" mainClass="./shop-apps.js#boardApp">
      <messaging><buses><bus name="shop"><channels><channel name="totals"><filter>Region=EU|US</filter></channel></channels></bus></buses></messaging>${board}
    </app>
  </apps>
  <xvms><xvm name="shop-xvm"><apps><app name="till"/><app name="board"/></apps>${xvm}</xvm></xvms>
</model>`;
  return { text, file: join(testDir, 'shop.xml') };
}

/** A directory that is removed after the test. */
export function temporaryDir(context: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'aep-host-'));
  context.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

export function sale(item: string, amount: number, region = 'EU'): Sale {
  const message = Sale.create();
  message.item = item;
  message.amount = amount;
  message.region = region;
  return message;
}

export function tillTotal(xvm: Xvm, item: string): number {
  return xvm.engine<Till>('till').read((till) => till.items.get(item)?.total ?? 0);
}

export function boardTotal(xvm: Xvm, item: string): number {
  return xvm.engine<Board>('board').read((board) => board.seen.get(item)?.total ?? 0);
}

export async function idle(xvm: Xvm): Promise<void> {
  // Till first: what it announces is on the board's desk once the bus has confirmed it.
  for (const name of ['till', 'board']) await xvm.engine(name).whenIdle();
}
