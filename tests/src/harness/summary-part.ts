import {
  type GatewayJournal,
  type LedgerBook,
  type OrderBook,
  summariseLedger,
  summariseOrders,
  type Summary,
  toJson,
} from '@aep/example-orders';
import type { Xvm } from '@aep/host';

/** What one app of the order example knows of the result, as JSON with the parts of the others empty. */
export function summaryPart(xvm: Xvm, app: string): string {
  return toJson({ ...NOTHING, ...knownTo(xvm, app) });
}

function knownTo(xvm: Xvm, app: string): Partial<Summary> {
  switch (app) {
    case 'gateway':
      return { rejected: xvm.engine<GatewayJournal>(app).read((journal) => journal.rejected) };
    case 'order-processor':
      return xvm.engine<OrderBook>(app).read((book) => summariseOrders(book));
    default:
      return { ledger: xvm.engine<LedgerBook>(app).read((book) => summariseLedger(book)) };
  }
}

const NOTHING: Summary = {
  lines: 0,
  orders: 0,
  cancelledLines: 0,
  customers: 0,
  events: 0,
  byCountry: new Map(),
  ledger: { lines: 0, quantity: 0, amountMicros: 0n },
  rejected: 0,
};
