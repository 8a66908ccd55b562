// `npm start`: runs the order example; `npm start -- --help` tells its options. bootstrap.mjs has built it before.
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { main } = await import(pathToFileURL(join(root, 'examples', 'orders', 'dist', 'main.js')).href);
process.exitCode = await main(process.argv.slice(2));
