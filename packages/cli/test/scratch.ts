import { aep } from './test-io.js';
import { ledgerModel } from './ledger-store.js';
import { mkdtempSync, writeFileSync } from 'node:fs';
const dir = mkdtempSync('/tmp/aepx-');
writeFileSync(dir + '/model.xml', ledgerModel({ adminPort: 17501 }));
console.log(dir);
console.log(await aep(dir, ['validate', 'model.xml']));
