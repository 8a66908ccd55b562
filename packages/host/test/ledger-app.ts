import { App, AppInitializer, EventHandler, InjectSender, type Sender, type StateCodec } from '@aep/engine';
import { Sale, ShopFactory, Total } from './gen/shop.js';

export interface Ledger {
  sales: number;
}

const codec: StateCodec<Ledger> = {
  create: () => ({ sales: 0 }),
  save: ({ sales }) => Buffer.from(String(sales)),
  load: (bytes) => ({ sales: Number(Buffer.from(bytes).toString()) }),
};

/** Event-sourced. A sale of "luck" announces what is in no state: each call of the process another number. */
@App({ factories: [ShopFactory], stateCodec: codec })
export class LedgerApp {
  /** Of all instances in this process. */
  static calls = 0;
  /** So many initializers fail. */
  static refusals = 0;
  private static luck = 0;
  @InjectSender() private readonly sender!: Sender<{ totals: Total }>;

  @AppInitializer()
  initialize(): void {
    if (LedgerApp.refusals-- > 0) throw new Error('the ledger refuses');
  }

  @EventHandler(Sale)
  onSale({ item, region }: Sale, ledger: Ledger): void {
    LedgerApp.calls++;
    ledger.sales++;
    const total = Total.create();
    total.item = item;
    total.total = item === 'luck' ? ++LedgerApp.luck : ledger.sales;
    total.region = region;
    this.sender.send('totals', total);
  }
}
