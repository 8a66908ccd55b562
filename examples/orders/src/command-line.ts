import { parseArgs } from 'node:util';
import { AepError, didYouMean } from '@aep/kernel';

/** What a person asked for. */
export interface CommandLine {
  /** Undefined: the sample. */
  readonly input: string | undefined;
  readonly data: string;
  readonly json: boolean;
  readonly help: boolean;
}

export const USAGE = `npm start -- [--input FILE] [--data DIR] [--json]

  --input FILE   a CSV with the columns InvoiceNo, StockCode, Description, Quantity, InvoiceDate, UnitPrice,
                 CustomerID and Country (default: a sample)
  --data DIR     where the apps keep their state (default: .aep); started again with the same input and
                 directory, an interrupted run goes on where it stopped
  --json         print the summary as one JSON object in the last line
  --help         print this`;

/** @throws AEP_ORDERS_USAGE */
export function parseCommandLine(args: readonly string[]): CommandLine {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS, strict: true, allowPositionals: false });
    if (values.input === '' || values.data === '') throw new TypeError('--input and --data need a value');
    return { input: values.input, data: values.data, json: values.json, help: values.help };
  } catch (error) {
    const unknown = args.find((arg) => arg.startsWith('--') && !(optionName(arg) in OPTIONS));
    const hint = unknown === undefined ? '' : didYouMean(optionName(unknown), Object.keys(OPTIONS));
    const message = error instanceof Error ? error.message.replace(/\. To specify.*/s, '') : String(error);
    throw new AepError('AEP_ORDERS_USAGE', 'reject', `${message}${hint}; --help lists the options`, {}, error);
  }
}

const OPTIONS = {
  input: { type: 'string' },
  data: { type: 'string', default: '.aep' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

function optionName(arg: string): string {
  return arg.slice(2).replace(/=.*/s, '');
}
