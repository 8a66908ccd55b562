export { appFromInstance } from './app/app-from-class.js';
export { matchesSource } from './app/handler-table.js';
