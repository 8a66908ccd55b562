import { type CheckRequest, checkStore } from './store-check.js';

/** The child process of a verified open (S5): one argument, the request as JSON; one line of JSON as the answer. */
const request = JSON.parse(process.argv[2]!) as CheckRequest;
process.stdout.write(`${JSON.stringify(await checkStore(request))}\n`);
