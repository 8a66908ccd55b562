import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { type XmlDocument } from 'libxml2-wasm';
import { fileOrigin } from './config-node.js';
import { type ProblemList } from './problems.js';
import { generateJsonSchema } from './schema/json-schema.js';
import { generateXsd } from './schema/xsd.js';
import { validateByXsd } from './source/xml.js';

/**
 * The schemas that editors use, asked for a second opinion when our own check, whose messages are better, has found
 * nothing: a model is never accepted that an editor would underline.
 */

/** The XSD of the model; the same text as schemas/model.xsd. */
export const modelXsd = once(generateXsd);

/** The JSON Schema of the model; the same as schemas/model.schema.json. */
export const modelJsonSchema = once(generateJsonSchema);

const jsonValidator = once((): ValidateFunction => new Ajv({ strict: false }).compile(modelJsonSchema()));

export function addXsdProblems(document: XmlDocument, file: string, problems: ProblemList): void {
  // The XSD describes elements without a namespace; a model may be in one of its own, and then only our check is asked.
  if (document.root.namespaceUri !== '') return;
  for (const { line, message } of validateByXsd(document, modelXsd())) {
    problems.add('AEP_MODEL_SCHEMA', { origin: fileOrigin(file, line, 0), path: '' }, message);
  }
}

export function addJsonSchemaProblems(source: { text: string; file: string }, problems: ProblemList): void {
  for (const { path, message } of jsonSchemaFindings(source.text)) {
    problems.add('AEP_MODEL_SCHEMA', { origin: fileOrigin(source.file, 1, 1), path }, message);
  }
}

/** What the JSON Schema has to say about a text that is JSON. */
export function jsonSchemaFindings(text: string): { path: string; message: string }[] {
  const validate = jsonValidator();
  if (validate(JSON.parse(text.replace(/^\ufeff/, '')))) return [];
  return (validate.errors ?? []).map((error: ErrorObject) => ({
    path: `model${error.instancePath.replaceAll('/', '.')}`,
    message: error.message ?? error.keyword,
  }));
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
