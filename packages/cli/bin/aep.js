#!/usr/bin/env node
// Not a product of the build: a package manager links commands when it installs, before anything is compiled.
import { existsSync } from 'node:fs';
import process from 'node:process';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) await import(main.href);
else {
  console.error('aep is not built yet: run `npm run build` first.');
  process.exitCode = 69;
}
