export { generateJsonSchema } from './schema/json-schema.js';
export { generateTypes } from './schema/types.js';
export { generateXsd } from './schema/xsd.js';
export { jsonSchemaFindings } from './published-schemas.js';
export { validateByXsd } from './source/xml.js';
export { MODEL } from './shape/root.js';
export { type Field, type ListField, type ObjectShape, type ScalarField } from './shape/field.js';
