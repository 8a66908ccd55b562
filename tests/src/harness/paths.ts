import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout: this file runs as tests/build/src/harness/paths.js. */
export const ROOT = dirname(dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url))))));

export const START_SCRIPT = join(ROOT, 'scripts', 'start.mjs');

export const ORDERS_MODEL = join(ROOT, 'examples', 'orders', 'model.xml');

export const ENGINES = ['gateway', 'order-processor', 'ledger'] as const;
