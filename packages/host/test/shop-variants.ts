// Main classes and providers with one peculiarity each, for the tests of what the host says about them.
import 'reflect-metadata';
import { LoopbackProvider } from '@aep/bus';
import { App, Configured, defineApp, EventHandler, InjectDescriptor } from '@aep/engine';
import type { AppDescriptor } from '@aep/host';
import { injectable } from 'tsyringe';
import { Sale, ShopFactory, Total } from './gen/shop.js';

/** Edits its descriptor through a setter. */
@App({ factories: [ShopFactory] })
export class SelfConfigured {
  @Configured('till.bonus') bonus!: string;

  @InjectDescriptor()
  set descriptor(descriptor: AppDescriptor) {
    descriptor.limits.timersMax = 7;
    descriptor.properties = { 'till.bonus': 'edited' };
  }
}

/** As SelfConfigured, by a method. */
@App({ factories: [ShopFactory] })
export class SelfLimited {
  @InjectDescriptor()
  receive(descriptor: AppDescriptor): void {
    descriptor.limits.timersMax = 8;
  }
}

/** Asks for a service and is not injectable. */
@App()
export class NotInjectable {
  constructor(readonly service: object) {}
}

@injectable()
@App()
export class Throwing {
  readonly luck = 'none';

  constructor() {
    throw new Error('no such luck');
  }
}

/** Its factories come from the model. */
export const bareApp = defineApp({ name: 'till' }).on(Sale, () => {});

/** Joins by its handler; hosted elsewhere. */
@App({ factories: [ShopFactory] })
export class Foreign {
  @EventHandler(Total, { source: 'totals' })
  onTotal(): void {}
}

export class ShopBus extends LoopbackProvider {}

export const noProvider = { createBinding: 1 };

/** The till of the README, without the sends. */
export const tillWithoutServices = defineApp({ name: 'till', factories: [ShopFactory] }).on(Sale, () => {});

interface Ledger {
  sales: number;
}

/** Event-sourced. A sale of "luck" announces what is not in the state, so a replay announces something else. */
let luck = 0;
export const ledgerApp = defineApp<Ledger, { totals: Total }>({
  name: 'till',
  factories: [ShopFactory],
  stateCodec: {
    create: () => ({ sales: 0 }),
    save: ({ sales }) => Buffer.from(String(sales)),
    load: (bytes) => ({ sales: Number(Buffer.from(bytes).toString()) }),
  },
}).on(Sale, ({ item, region }, { state, send }) => {
  state.sales++;
  const total = Total.create();
  total.item = item;
  total.total = item === 'luck' ? ++luck : state.sales;
  total.region = region;
  send('totals', total);
});
