import type { SeededRandom } from '@aep/kernel';

export interface InvoiceCsv {
  readonly bytes: Buffer;
  /** Numbers of the lines that are invoice lines; the header is line 1. */
  readonly lines: ReadonlySet<number>;
}

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
const COUNTRIES = ['United Kingdom', 'France', 'EIRE', 'Channel Islands', 'Japan', 'Bosnia/Herzegovina'];
/** An input of random invoice lines; one in a hundred is malformed. */
export function randomInvoices(random: SeededRandom, count: number): InvoiceCsv {
  const rows = [HEADER];
  const lines = new Set<number>();
  for (let index = 0; index < count; index++) {
    const isMalformed = random.below(100) === 0;
    const invoice = `${random.below(15) === 0 ? 'C' : ''}${500_000 + Math.floor(index / 7)}`;
    const quantity = isMalformed ? 'many' : (random.below(20) === 0 ? -1 : 1) * random.below(200);
    const price = `${random.below(50)}.${String(random.below(100)).padStart(2, '0')}`;
    const customer = random.below(5) === 0 ? '' : 10_000 + random.below(900);
    const country = COUNTRIES[random.below(COUNTRIES.length)]!;
    rows.push(
      `${invoice},${10_000 + random.below(80_000)},"GIFT, SMALL",${quantity},12/1/10 8:26,${price},${customer},${country}`,
    );
    if (!isMalformed) lines.add(index + 2);
  }
  return { bytes: Buffer.from(rows.join('\n')), lines };
}
