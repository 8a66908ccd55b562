import { type CheckRequest, checkStore, makeStore } from './store-check.js';

/** The child process of an opening (S5): one argument, the request as JSON; one line of JSON as the answer. */
const request = JSON.parse(process.argv[2]!) as CheckRequest;
const result = await (request.task === 'make' ? makeStore(request) : checkStore(request));
process.stdout.write(`${JSON.stringify(result)}\n`);
