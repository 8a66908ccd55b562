export { generateWellKnown } from './generate.js';
