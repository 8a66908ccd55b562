import 'reflect-metadata';
import {
  App,
  AppMain,
  Command,
  Configured,
  defineApp,
  type Engine,
  EventHandler,
  InjectEngine,
  InjectSender,
  type Sender,
} from '@aep/engine';
import type { Log } from '@aep/kernel';
import { HostToken } from '@aep/host';
import { inject, injectable, type DependencyContainer } from 'tsyringe';
import { Board, Sale, ShopFactory, Till, Total } from './gen/shop.js';

export interface ShopChannels {
  sales: Sale;
  totals: Total;
}

/** A service that the till's constructor asks for. */
export class PriceList {
  constructor(readonly factor = 1) {}
}

/** Found by the host beside the main class. */
export function registerServices(services: DependencyContainer): void {
  if (!services.isRegistered(PriceList)) services.register(PriceList, { useValue: new PriceList(2) });
}

/** Counts sales and announces each total. */
@injectable()
@App({ state: Till, factories: [ShopFactory] })
export class TillApp {
  @InjectEngine() engine!: Engine<Till>;
  @InjectSender() sender!: Sender<ShopChannels>;
  @Configured('till.bonus', { default: 0 }) bonus!: number;
  @Configured('till.hang', { default: false }) hang!: boolean;

  constructor(
    readonly prices: PriceList,
    @inject(HostToken.log) readonly log: Log,
  ) {}

  @EventHandler(Sale)
  onSale(sale: Sale, till: Till): void {
    if (sale.item === 'poison') throw new Error('nobody sells poison');
    const item = till.items.getOrCreate(sale.item);
    item.total += sale.amount * this.prices.factor + this.bonus;
    const total = Total.create();
    total.item = sale.item;
    total.total = item.total;
    total.region = sale.region;
    this.sender.send('totals', total);
  }

  /** Does not look at its signal, when told so. */
  @AppMain()
  async main(): Promise<void> {
    if (this.hang) await new Promise<never>(() => {});
  }

  @Command('total', { description: 'Total of one item', options: { item: { type: 'string', required: true } } })
  total({ item }: { item: string }, till: Till): number {
    return till.items.get(item)?.total ?? 0;
  }

  @Command('fail', { description: 'Throws' })
  fail(): void {
    throw new Error('as asked');
  }
}

/** Keeps what the till announced; joins `totals` because a handler names it. */
export const boardApp = defineApp<Board>({ name: 'board', state: Board, factories: [ShopFactory] }).on(
  Total,
  (total, { state }) => {
    state.seen.getOrCreate(total.item).total = total.total;
    state.messages++;
  },
  { source: 'totals' },
);

export const notAnApp = 7;
