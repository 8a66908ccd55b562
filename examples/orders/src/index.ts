// The parts of the example, for its tests and for whoever wants to build on them.
export type { GatewayChannels, ProcessorChannels } from './channels.js';
export { parseRecord } from './csv/csv-record.js';
export { formatPence, parseMicros } from './csv/decimal.js';
export { type CsvEntry, readInvoiceCsv } from './csv/invoice-csv.js';
export { type InvoiceLine } from './csv/invoice-line.js';
export { LINE_BYTES_MAX } from './csv/line-splitter.js';
export { main } from './main.js';
export { type CommandLine, parseCommandLine } from './command-line.js';
export { Gateway } from './gateway.js';
export {
  GatewayJournal,
  LedgerBook,
  NewOrderMessage,
  OrderBook,
  OrderEventMessage,
  OrdersFactory,
  OrderState,
} from './gen/orders.js';
export { Ledger } from './ledger.js';
export { OrderProcessor } from './order-processor.js';
export { Reading } from './reading.js';
export { departmentOf, regionOf } from './region.js';
export { rejectedLines, summariseLedger, summariseOrders, type Summary, toJson, toTable } from './summary.js';
