import {
  ParseOption,
  XmlDocument,
  XmlElement,
  XmlLibError,
  XmlParseError,
  XmlText,
  XsdValidator,
  XmlValidateError,
} from 'libxml2-wasm';
import { type ConfigNode, fileOrigin } from '../config-node.js';
import { type ProblemList } from '../problems.js';
import { DEPTH_MAX, FORBIDDEN_NAMES, NODES_MAX } from './limits.js';
import { type TagPosition, findUnclosedTags, locateDoctype, locateTags } from './xml-positions.js';

/** M9: no network, no external entities; the text is decoded already, so its declared encoding says nothing. */
const PARSE_OPTIONS: ParseOption =
  ParseOption.XML_PARSE_NONET |
  ParseOption.XML_PARSE_NO_XXE |
  ParseOption.XML_PARSE_NO_SYS_CATALOG |
  ParseOption.XML_PARSE_IGNORE_ENC |
  ParseOption.XML_PARSE_NOCDATA |
  ParseOption.XML_PARSE_BIG_LINES;

export interface XmlSource {
  readonly text: string;
  readonly file: string;
}

/**
 * Reads XML into nodes; an attribute and an element of the same name are the same thing. A document type declaration
 * is refused, so no entity beyond the five of XML can be declared and none expands (M9).
 *
 * @param examine called with the tree, and the document before it is freed; not called when the text is not XML or
 *   too large, for which the reasons are in `problems`
 */
export function readXml(
  source: XmlSource,
  problems: ProblemList,
  examine: (node: ConfigNode, document: XmlDocument) => void,
): void {
  const { text, file } = source;
  const doctype = locateDoctype(text);
  if (doctype !== undefined) {
    const at = { origin: fileOrigin(file, doctype.line, doctype.column), path: '' };
    problems.add('AEP_MODEL_FORBIDDEN', at, 'a model has no document type declaration: remove <!DOCTYPE …>');
    return;
  }
  let document: XmlDocument;
  try {
    document = XmlDocument.fromString(text, { url: file, option: PARSE_OPTIONS });
  } catch (error) {
    if (!(error instanceof XmlParseError)) throw error;
    addSyntaxProblems(error, source, problems);
    return;
  }
  try {
    const node = new XmlReader(locateTags(text), file, problems).read(document.root);
    if (node !== undefined) examine(node, document);
  } finally {
    document.dispose();
  }
}

/** What the XSD has to say about a document: line and message of each finding. */
export function validateByXsd(document: XmlDocument, xsd: string): { line: number; message: string }[] {
  const schemaDocument = XmlDocument.fromString(xsd, { url: 'model.xsd', option: PARSE_OPTIONS });
  try {
    const validator = XsdValidator.fromDoc(schemaDocument);
    try {
      validator.validate(document);
      return [];
    } catch (error) {
      if (!(error instanceof XmlValidateError)) throw error;
      return error.details.map((detail) => ({ line: detail.line, message: detail.message.trim() }));
    } finally {
      validator.dispose();
    }
  } finally {
    schemaDocument.dispose();
  }
}

/** libxml2's XML_ERR_TAG_NAME_MISMATCH and XML_ERR_TAG_NOT_FINISHED in words. */
const TAG_MISMATCH = /^(Opening and ending tag mismatch|Premature end of data in tag)/;

function addSyntaxProblems(error: XmlLibError, source: XmlSource, problems: ProblemList): void {
  const { file, text } = source;
  const unclosed = findUnclosedTags(text);
  for (const tag of unclosed) {
    const at = { origin: fileOrigin(file, tag.opened.line, tag.opened.column), path: '' };
    const noticed =
      tag.noticed === undefined ? 'the end of the file' : `</${tag.noticed.tag}> of line ${tag.noticed.at.line}`;
    problems.add('AEP_MODEL_SYNTAX', at, `<${tag.name}> is not closed: ${noticed} comes first`);
  }
  for (const detail of error.details) {
    const message = detail.message.trim();
    if (unclosed.length > 0 && TAG_MISMATCH.test(message)) continue;
    problems.add('AEP_MODEL_SYNTAX', { origin: fileOrigin(file, detail.line, detail.col), path: '' }, message);
  }
  if (!problems.isEmpty) return;
  problems.add('AEP_MODEL_SYNTAX', { origin: fileOrigin(file, 1, 1), path: '' }, 'the file is empty or not XML');
}

class XmlReader {
  readonly #tags: readonly TagPosition[];
  readonly #file: string;
  readonly #problems: ProblemList;
  #tagsRead = 0;
  #nodes = 0;
  #isTooLarge = false;

  constructor(tags: readonly TagPosition[], file: string, problems: ProblemList) {
    this.#tags = tags;
    this.#file = file;
    this.#problems = problems;
  }

  read(root: XmlElement): ConfigNode | undefined {
    const node = this.#readElement(root, 0, root.name);
    return this.#isTooLarge ? undefined : node;
  }

  #readElement(element: XmlElement, depth: number, path: string): ConfigNode {
    const tag = this.#tags[this.#tagsRead++];
    const line = tag?.line ?? element.line;
    const origin = fileOrigin(this.#file, line, tag?.column ?? 0);
    const name = element.prefix === '' ? element.name : `${element.prefix}:${element.name}`;
    if (!this.#hasRoom(depth, origin, path)) return { name, text: undefined, children: [], origin };

    const children = this.#readAttributes(element, tag, path);
    let text = '';
    for (let child = element.firstChild; child !== null; child = child.next) {
      if (child instanceof XmlElement) {
        const childNode = this.#readElement(child, depth + 1, `${path}.${child.name}`);
        if (this.#isUsable(childNode, path)) children.push(childNode);
      } else if (child instanceof XmlText) {
        text += child.content;
      }
    }
    text = text.trim();
    return { name, text: text === '' && children.length > 0 ? undefined : text, children, origin };
  }

  #readAttributes(element: XmlElement, tag: TagPosition | undefined, path: string): ConfigNode[] {
    const children: ConfigNode[] = [];
    for (const attribute of element.attrs) {
      // xsi:schemaLocation and the like are for editors.
      if (attribute.namespaceUri !== '') continue;
      this.#nodes++;
      const at = tag?.attributes.get(attribute.name) ?? { line: element.line, column: 0 };
      const origin = fileOrigin(this.#file, at.line, at.column);
      const node: ConfigNode = { name: attribute.name, text: attribute.value.trim(), children: [], origin };
      if (this.#isUsable(node, path)) children.push(node);
    }
    return children;
  }

  #isUsable(node: ConfigNode, parentPath: string): boolean {
    if (!FORBIDDEN_NAMES.has(node.name)) return true;
    const at = { origin: node.origin, path: `${parentPath}.${node.name}` };
    this.#problems.add('AEP_MODEL_FORBIDDEN', at, `the name "${node.name}" is refused`, { value: node.name });
    return false;
  }

  #hasRoom(depth: number, origin: ConfigNode['origin'], path: string): boolean {
    if (this.#isTooLarge) return false;
    this.#nodes++;
    if (depth <= DEPTH_MAX && this.#nodes <= NODES_MAX) return true;
    const what = depth > DEPTH_MAX ? `more than ${DEPTH_MAX} levels` : `more than ${NODES_MAX} elements and attributes`;
    this.#problems.add('AEP_MODEL_TOO_LARGE', { origin, path }, what);
    this.#isTooLarge = true;
    return false;
  }
}
