export { issueStable } from './stable.js';
