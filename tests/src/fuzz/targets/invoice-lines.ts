import assert from 'node:assert/strict';
import { readInvoiceCsv } from '@aep/example-orders';
import { bytesOfText, type FuzzTarget, piecesOf, tokensOf } from '../target.js';

const HEADER = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n';

/** The CSV files of the order example. */
export function openInvoiceLines(): FuzzTarget {
  return {
    name: 'csv',
    testRuns: 4000,
    seeds: [
      `\ufeff${HEADER}700101,70196A,LARGE CUSHION,8,11/1/26 16:08,2.10,20070,United Kingdom\n`,
      `${HEADER}C1,2,"A ""B"", C\nD",-8,2026-11-01 16:08:00,.5,,Österreich\r\n\r\n2,3,12" RULER,1,1/1/2026,3.,7,USA`,
      HEADER,
    ].map((text) => bytesOfText(text)),
    tokens: tokensOf(
      ',',
      '"',
      '""',
      '\n',
      '\r\n',
      '\0',
      '\ufeff',
      '-0',
      '2147483648',
      '1e9',
      '.',
      'x'.repeat(3000),
      HEADER,
    ),
    run: async (input) => {
      let last = 0;
      for await (const { line } of readInvoiceCsv(asStream(input), 'input.csv')) {
        assert.ok(line > last, 'line numbers rise');
        last = line;
      }
    },
  };
}

async function* asStream(input: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* piecesOf(input);
}
