import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import {
  App,
  AppMain,
  Configured,
  type Engine,
  EventHandler,
  InjectEngine,
  InjectSender,
  type Sender,
} from '@aep/engine';
import type { MessageView } from '@aep/messages';
import { injectable } from 'tsyringe';
import type { GatewayChannels } from './channels.js';
import { type CsvEntry, readInvoiceCsv } from './csv/invoice-csv.js';
import { GatewayJournal, InvoiceLineRead, LineRejected, NewOrderMessage, OrdersFactory } from './gen/orders.js';
import { Reading } from './reading.js';
import { departmentOf } from './region.js';

/** Rejected lines whose reasons are kept for the report; further ones are only counted. */
const REASONS_MAX = 1_000;

/**
 * Reads invoice lines from a CSV and sends each as a NewOrderMessage. Every line goes through a handler, so that "sent on"
 * and "how far" are one transaction: after a crash the input is read again from its start, and the lines up to the one that
 * the state names are passed over.
 */
@injectable()
@App({ name: 'gateway', state: GatewayJournal, factories: [OrdersFactory] })
export class Gateway {
  @InjectEngine() readonly engine!: Engine<GatewayJournal>;
  @InjectSender() readonly sender!: Sender<GatewayChannels>;
  /** The CSV to read; empty: none. */
  @Configured('gateway.input', { default: '' }) readonly input!: string;

  constructor(readonly reading: Reading) {}

  @AppMain()
  async readInput(signal: AbortSignal): Promise<void> {
    if (this.input === '') return;
    try {
      const { size } = await stat(this.input);
      this.reading.bytesTotal = size;
      // Lines come in rising order, so one number tells which an earlier run has done; they leave no trace in the journal.
      const knownLine = this.engine.read((journal) => journal.lastLine);
      for await (const entry of readInvoiceCsv(this.readBytes(signal), this.input)) {
        if (entry.line <= knownLine) {
          this.reading.entries++;
          this.reading.duplicates++;
          continue;
        }
        if (signal.aborted || !(await this.handOver(entry, signal))) return;
      }
      this.reading.finish();
    } catch (error) {
      if (!signal.aborted) this.reading.fail(error);
    }
  }

  @EventHandler(InvoiceLineRead, { localOnly: true })
  onLineRead(read: InvoiceLineRead, journal: GatewayJournal): void {
    const order = NewOrderMessage.create();
    order.line = read.line;
    order.invoiceNo = read.invoiceNo;
    order.stockCode = read.stockCode;
    order.description = read.description;
    order.quantity = read.quantity;
    order.invoiceDate = read.invoiceDate;
    order.unitPriceMicros = read.unitPriceMicros;
    order.customerId = read.customerId;
    order.country = read.country;
    order.department = departmentOf(read.stockCode);
    this.sender.send('new-orders-channel', order);
    journal.sent++;
    journal.lastLine = read.line;
  }

  @EventHandler(LineRejected, { localOnly: true })
  onLineRejected(rejected: LineRejected, journal: GatewayJournal): void {
    journal.rejected++;
    journal.lastLine = rejected.line;
    if (journal.rejected <= REASONS_MAX) journal.firstRejected.create(BigInt(rejected.line)).reason = rejected.reason;
  }

  private async *readBytes(signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for await (const chunk of createReadStream(this.input) as AsyncIterable<Uint8Array>) {
      if (signal.aborted) return;
      this.reading.bytesRead += chunk.length;
      yield chunk;
    }
  }

  /** False when the engine takes no more. */
  private async handOver(entry: CsvEntry, signal: AbortSignal): Promise<boolean> {
    const message = messageOf(entry);
    for (;;) {
      const outcome = this.engine.offer(message);
      if (outcome === 'accepted') break;
      // On a full disk there may be no room for as long as one cares to wait; a stop must not wait for it.
      if (outcome === 'closed' || !(await this.isWritable(signal))) return false;
    }
    this.reading.entries++;
    return true;
  }

  /** True once the engine has room; false when the stop comes first. */
  private async isWritable(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false;
    return await new Promise((resolve, reject) => {
      const onStop = (): void => resolve(false);
      signal.addEventListener('abort', onStop, { once: true });
      const writable = this.engine.whenWritable().finally(() => signal.removeEventListener('abort', onStop));
      writable.then(() => resolve(true), reject);
    });
  }
}

function messageOf(entry: CsvEntry): MessageView {
  if (entry.kind === 'rejected') {
    const rejected = LineRejected.create();
    rejected.line = entry.line;
    rejected.reason = entry.reason;
    return rejected;
  }
  const { value } = entry;
  const read = InvoiceLineRead.create();
  read.line = entry.line;
  read.invoiceNo = value.invoiceNo;
  read.stockCode = value.stockCode;
  read.description = value.description;
  read.quantity = value.quantity;
  read.invoiceDate = value.invoiceDate;
  read.unitPriceMicros = value.unitPriceMicros;
  read.customerId = value.customerId;
  read.country = value.country;
  return read;
}
