// The process of the signal tests: runs the model that it is given, and gets into the trouble that it is told to.
import process from 'node:process';
import { runXvm } from '@aep/host';
import { sale, shopModel, testDir } from './shop.js';

const [dataDir, trouble = 'none', xvm = ''] = process.argv.slice(2);
const code = await runXvm({
  model: shopModel({
    xvm,
    env: trouble === 'main' ? '<hang>true</hang>' : '',
    till: trouble === 'poison' ? '<policies><appExceptionPolicy>RollbackAndStop</appExceptionPolicy></policies>' : '',
  }),
  modelDir: testDir,
  dataDir: dataDir!,
  onStarted: (started) => {
    if (trouble === 'rejection') void Promise.reject(new Error('nobody handles this'));
    if (trouble === 'exception') setImmediate(() => thrower());
    if (trouble === 'poison') started.engine('till').offer(sale('poison', 1));
    process.stdout.write('started\n');
  },
});
process.exit(code);

function thrower(): void {
  throw new Error('nobody catches this');
}
