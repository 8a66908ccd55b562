import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type CsvEntry, LINE_BYTES_MAX, readInvoiceCsv } from '@aep/example-orders';

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
const GOOD = '536365,85123A,WHITE HEART,6,12/1/10 8:26,2.55,17850,United Kingdom';

test('a line becomes its fields, with the price in millionths of a pound', async () => {
  assert.deepEqual(await read(`${HEADER}\n${GOOD}\n`), [
    {
      kind: 'line',
      line: 2,
      value: {
        invoiceNo: '536365',
        stockCode: '85123A',
        description: 'WHITE HEART',
        quantity: 6,
        invoiceDate: '12/1/10 8:26',
        unitPriceMicros: 2_550_000,
        customerId: '17850',
        country: 'United Kingdom',
      },
    },
  ]);
});

test('byte order mark, CRLF, empty lines and a missing last line end make no difference', async () => {
  const plain = await read(`${HEADER}\n${GOOD}\n${GOOD}\n`);
  assert.deepEqual(await read(`\uFEFF${HEADER}\r\n${GOOD}\r\n${GOOD}`), plain);
  const spread = await read(`${HEADER}\n\n${GOOD}\n  \r\n${GOOD}\n\n\n`);
  assert.deepEqual(
    spread.map((entry) => entry.line),
    [3, 5],
  );
});

test('a record that waits for its end is not parsed again for every piece of the input', async () => {
  const pairs = '""'.repeat(15_000);
  // The processor's time: on a busy machine the clock says nothing of the work.
  const before = process.cpuUsage();
  const entries = await read(`${HEADER}\n1,2,"${pairs}\n${'x'.repeat(20_000)}",1,1/1/26,1,,USA\n`, 2);
  assert.deepEqual(entries, [{ kind: 'rejected', line: 2, reason: 'Description: longer than 1000 characters' }]);
  const { user, system } = process.cpuUsage(before);
  const tookMs = (user + system) / 1_000;
  assert.ok(tookMs < 2000, `it takes ${Math.round(tookMs)} ms`);
});

test('columns are found by name, whatever their order, case or company', async () => {
  const header = 'country,Customer ID,Note,UNITPRICE,InvoiceDate,Quantity,Description,StockCode,InvoiceNo';
  const [entry] = await read(`${header}\nEIRE,,x,0.1,12/1/10 8:26,-1,,POST,C1\n`);
  assert.ok(entry?.kind === 'line');
  const { invoiceNo, quantity, customerId, country, description, unitPriceMicros } = entry.value;
  assert.deepEqual(
    [invoiceNo, quantity, customerId, country, description, unitPriceMicros],
    ['C1', -1, '', 'EIRE', '', 100_000],
  );
});

test('a header without a column is refused with its name and the nearest one', async () => {
  const refusal = {
    code: 'AEP_ORDERS_HEADER',
    advice: 'reject',
    message: /missing: Country \(did you mean "Countri"\?\)/,
  };
  await assert.rejects(read(`${HEADER.replace('Country', 'Countri')}\n${GOOD}\n`), refusal);
  await assert.rejects(read(''), { code: 'AEP_ORDERS_HEADER', message: /empty/ });
  await assert.rejects(read(Buffer.from(`\uFEFF${HEADER}\n`, 'utf16le')), {
    code: 'AEP_ORDERS_HEADER',
    message: /UTF-16/,
  });
  await assert.rejects(read('"never closed\n'), { code: 'AEP_ORDERS_HEADER', message: /line 1/ });
});

test('quoted fields hold commas, quotes and line ends; a quote inside an unquoted field is a character', async () => {
  const text = `${HEADER}\n1,2,"A, ""B""\nC",1,12/1/10 8:26,1,,X\n1,2,6" RULER,1,12/1/10 8:26,1,,X\n1,2,"",1,12/1/10 8:26,1,,X\n`;
  const entries = await read(text);
  assert.deepEqual(
    entries.map((entry) => [entry.line, entry.kind === 'line' ? entry.value.description : entry.reason]),
    [
      [2, 'A, "B"\nC'],
      [4, '6" RULER'],
      [5, ''],
    ],
  );
});

test('a malformed line is rejected with its number and reason, and costs no other line', async () => {
  const cases: readonly [line: string, reason: RegExp][] = [
    ['1,2,X', /expected 8 fields, got 3/],
    [`${GOOD},more`, /expected 8 fields, got 9/],
    ['not a line', /expected 8 fields, got 1/],
    [GOOD.replace('536365', ''), /InvoiceNo is empty/],
    [GOOD.replace('85123A', ' '), /StockCode is empty/],
    [GOOD.replace('United Kingdom', ''), /Country is empty/],
    [GOOD.replace(',6,', ',six,'), /Quantity.*"six"/],
    [GOOD.replace(',6,', ',1.5,'), /Quantity.*"1.5"/],
    [GOOD.replace(',6,', ',2147483648,'), /Quantity/],
    [GOOD.replace('2.55', '£2'), /UnitPrice.*"£2"/],
    [GOOD.replace('2.55', ''), /UnitPrice/],
    [GOOD.replace('2.55', '1e3'), /UnitPrice/],
    [GOOD.replace('2.55', '0.0000001'), /UnitPrice.*at most 6 decimals/],
    [GOOD.replace(',6,12', ',2147483647,12').replace('2.55', '999999999'), /billion/],
    [GOOD.replace('12/1/10', '13/1/10'), /InvoiceDate/],
    [GOOD.replace('8:26', '25:26'), /InvoiceDate/],
    [GOOD.replace('12/1/10 8:26', ''), /InvoiceDate/],
    [GOOD.replace('WHITE HEART', '"WHITE" HEART'), /field 3: text after the closing quote/],
    [GOOD.replace('WHITE HEART', '"WHITE HEART'), /not closed/],
    [GOOD.replace('WHITE HEART', 'X'.repeat(2_000)), /Description: longer than 1000/],
    [GOOD.replace('WHITE HEART', 'X'.repeat(LINE_BYTES_MAX)), /longer than 65536 bytes/],
  ];
  const entries = await read([HEADER, ...cases.flatMap(([line]) => [line, GOOD])].join('\n'));
  assert.equal(entries.length, 2 * cases.length);
  for (const [index, [, reason]] of cases.entries()) {
    const rejected = entries[2 * index];
    assert.ok(rejected?.kind === 'rejected', `case ${index}`);
    assert.equal(rejected.line, 2 + 2 * index);
    assert.match(rejected.reason, reason);
    assert.equal(entries[2 * index + 1]?.kind, 'line', `the line behind case ${index}`);
  }
});

test('two stray quotes reject their own lines and not those between them', async () => {
  const stray = GOOD.replace('WHITE HEART', '"WHITE HEART');
  const entries = await read([HEADER, stray, GOOD, stray, GOOD].join('\n'));
  assert.deepEqual(
    entries.map((entry) => entry.kind),
    ['rejected', 'line', 'rejected', 'line'],
  );
});

test('text is read as UTF-8 where it is valid, else as Windows-1252', async () => {
  const bytes = Buffer.concat([
    Buffer.from(`${HEADER}\n`),
    Buffer.from(`${GOOD.replace('WHITE HEART', 'CAFÉ £1')}\n`, 'latin1'),
    Buffer.from(`${GOOD.replace('WHITE HEART', 'CAFÉ 日本')}\n`, 'utf8'),
  ]);
  const entries = await read(bytes);
  assert.deepEqual(
    entries.map((entry) => entry.kind === 'line' && entry.value.description),
    ['CAFÉ £1', 'CAFÉ 日本'],
  );
});

test('what is read does not depend on where the stream is cut', async () => {
  const bytes = readFileSync(new URL('../../sample.csv', import.meta.url));
  const whole = await read(bytes);
  assert.equal(whole.filter((entry) => entry.kind === 'rejected').length, 13);
  for (const size of [1, 2, 3, 7, 64, 1_000, 65_536]) {
    assert.deepEqual(await read(bytes, size), whole, `chunks of ${size} bytes`);
  }
});

test('line numbers rise strictly', async () => {
  const entries = await read(readFileSync(new URL('../../sample.csv', import.meta.url)));
  for (const [index, entry] of entries.entries()) assert.ok(entry.line > (entries[index - 1]?.line ?? 1));
});

async function read(input: string | Uint8Array, chunkBytes = 1 << 20): Promise<CsvEntry[]> {
  const bytes = typeof input === 'string' ? Buffer.from(input) : input;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < bytes.length; start += chunkBytes) yield bytes.subarray(start, start + chunkBytes);
  }
  const entries: CsvEntry[] = [];
  for await (const entry of readInvoiceCsv(chunks(), 'test.csv')) entries.push(entry);
  return entries;
}
