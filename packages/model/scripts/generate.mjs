// Writes what is made from the table of fields in src/shape: the published schemas and the TypeScript types.
// Run after a change of the table, then build again: node packages/model/scripts/generate.mjs
import { writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { generateJsonSchema } from '../dist/schema/json-schema.js';
import { generateTypes } from '../dist/schema/types.js';
import { generateXsd } from '../dist/schema/xsd.js';

const fromHere = (path) => new URL(path, import.meta.url);

async function formatted(text, path) {
  const options = await resolveConfig(fromHere(path).pathname);
  return format(text, { ...options, filepath: fromHere(path).pathname });
}

const typesPath = '../src/gen/model.ts';
const jsonSchemaPath = '../../../schemas/model.schema.json';
writeFileSync(fromHere('../../../schemas/model.xsd'), generateXsd());
writeFileSync(fromHere(jsonSchemaPath), await formatted(JSON.stringify(generateJsonSchema()), jsonSchemaPath));
writeFileSync(fromHere(typesPath), await formatted(generateTypes(), typesPath));
