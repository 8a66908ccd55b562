export { type BreakingChange, type BreakingKind, compareSchemas } from './compare-schemas.js';
export { generate, type GeneratedFile, type GenerateOptions } from './generate.js';
export {
  type FileSystem,
  type GenerateDirectoryOptions,
  generateDirectory,
  type GenerateReport,
  readProtoFiles,
} from './generate-directory.js';
export type { Place } from './locate.js';
export type { SourceFile } from './schema.js';
