export { storePath } from './translate/storage.js';
