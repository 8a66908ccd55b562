// `npm start`: runs the order example; `npm start -- --help` tells its options. bootstrap.mjs has built it before.
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { main } = await import(pathToFileURL(join(root, 'examples', 'orders', 'dist', 'main.js')).href);
const code = await main(process.argv.slice(2));
// Not left to the event loop's end: there Node 20 can hang, when a compiler thread waits for a collection that nobody runs.
process.stdout.write('', () => process.exit(code));
