export { generate, type GeneratedFile, type GenerateOptions } from './generate.js';
export type { SourceFile } from './schema.js';
