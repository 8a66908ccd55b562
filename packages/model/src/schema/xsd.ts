import { type Field, type ListField, type ObjectShape, type ScalarField } from '../shape/field.js';
import { MODEL } from '../shape/root.js';
import { allowedBy } from '../values.js';
import { VARIABLE_PATTERN, patternOf } from './patterns.js';
import { shapesOf } from './shapes.js';

/**
 * The XSD of the model, from the table of fields. Every single value may be an attribute or an element. Elements may
 * come in any order, and which of them a model needs is not said here: templates and profiles can give them.
 */
export function generateXsd(): string {
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!-- Generated from packages/model/src/shape by packages/model/scripts/generate.mjs; a test checks that it is current. -->',
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified">',
    `  <xs:element name="model" type="${typeNameOf(MODEL)}"/>`,
    ...shapesOf(MODEL).flatMap(complexType),
    ...freeType(),
    '</xs:schema>',
    '',
  ];
  return lines.join('\n');
}

function typeNameOf(shape: ObjectShape): string {
  return shape.typeName === '' ? 'Model' : shape.typeName;
}

function complexType(shape: ObjectShape): string[] {
  const fields = Object.entries(shape.fields);
  const elements = fields.flatMap(([name, field]) => elementsFor(name, field, shape));
  const attributes = fields.flatMap(([name, field]) => (field.kind === 'scalar' ? attributeFor(name, field) : []));
  return [
    `  <xs:complexType name="${typeNameOf(shape)}">`,
    ...documentation(shape.doc, 2),
    '    <xs:choice minOccurs="0" maxOccurs="unbounded">',
    ...indent(elements, 3),
    '    </xs:choice>',
    ...indent(attributes, 2),
    '  </xs:complexType>',
  ];
}

function elementsFor(name: string, field: Field, parent: ObjectShape): string[] {
  switch (field.kind) {
    case 'scalar':
      return [
        `<xs:element name="${name}">`,
        ...documentation(scalarDoc(field), 1),
        ...indent(simpleType(field), 1),
        '</xs:element>',
      ];
    case 'object':
      return [
        `<xs:element name="${name}" type="${typeNameOf(field.shape)}">`,
        ...documentation(field.doc, 1),
        '</xs:element>',
      ];
    case 'list':
      return listElements(name, field, parent);
    case 'tree':
    case 'map':
      return [`<xs:element name="${name}" type="Free">`, ...documentation(field.doc, 1), '</xs:element>'];
  }
}

function listElements(name: string, field: ListField, parent: ObjectShape): string[] {
  const item = `<xs:element name="${field.itemName}" type="${typeNameOf(field.shape)}"/>`;
  const templates = [
    '<xs:element name="templates">',
    '  <xs:complexType>',
    '    <xs:choice minOccurs="0" maxOccurs="unbounded">',
    `      ${item}`,
    '    </xs:choice>',
    '  </xs:complexType>',
    '</xs:element>',
  ];
  const inside = [item, ...(field.templated ? templates : []), ...(field.bare ? straysOf(parent) : [])];
  return [
    `<xs:element name="${name}">`,
    ...documentation(field.doc, 1),
    '  <xs:complexType>',
    '    <xs:choice minOccurs="0" maxOccurs="unbounded">',
    ...indent(inside, 3),
    '    </xs:choice>',
    '  </xs:complexType>',
    '</xs:element>',
    ...(field.bare ? [item] : []),
  ];
}

/** M7: single values of the parent that may stand among the items of its list, such as a filter among channels. */
function straysOf(parent: ObjectShape): string[] {
  return Object.entries(parent.fields).flatMap(([name, field]) =>
    field.kind === 'scalar' ? [`<xs:element name="${name}">`, ...indent(simpleType(field), 1), '</xs:element>'] : [],
  );
}

function attributeFor(name: string, field: ScalarField): string[] {
  return [
    `<xs:attribute name="${name}">`,
    ...documentation(scalarDoc(field), 1),
    ...indent(simpleType(field), 1),
    '</xs:attribute>',
  ];
}

function simpleType(field: ScalarField): string[] {
  const pattern = patternOf(field);
  const alternatives = field.values.map((value) => `<xs:enumeration value="${value}"/>`);
  if (pattern !== undefined) alternatives.push(`<xs:pattern value="${escape(pattern)}"/>`);
  if (alternatives.length === 0) {
    return [
      '<xs:simpleType>',
      '  <xs:restriction base="xs:token">',
      '    <xs:minLength value="1"/>',
      '  </xs:restriction>',
      '</xs:simpleType>',
    ];
  }
  return [
    '<xs:simpleType>',
    '  <xs:union>',
    '    <xs:simpleType>',
    '      <xs:restriction base="xs:token">',
    ...indent(alternatives, 4),
    '      </xs:restriction>',
    '    </xs:simpleType>',
    '    <xs:simpleType>',
    '      <xs:restriction base="xs:token">',
    `        <xs:pattern value="${escape(VARIABLE_PATTERN)}"/>`,
    '      </xs:restriction>',
    '    </xs:simpleType>',
    '  </xs:union>',
    '</xs:simpleType>',
  ];
}

function freeType(): string[] {
  return [
    '  <xs:complexType name="Free" mixed="true">',
    ...documentation('Free names.', 2),
    '    <xs:sequence>',
    '      <xs:any minOccurs="0" maxOccurs="unbounded" processContents="skip"/>',
    '    </xs:sequence>',
    '    <xs:anyAttribute processContents="skip"/>',
    '  </xs:complexType>',
  ];
}

function scalarDoc(field: ScalarField): string {
  const byDefault = typeof field.default === 'string' ? ` Default: ${field.default}.` : '';
  return `${field.doc} Allowed: ${allowedBy(field)}.${byDefault}`;
}

function documentation(text: string, depth: number): string[] {
  return indent(
    ['<xs:annotation>', `  <xs:documentation>${escape(text)}</xs:documentation>`, '</xs:annotation>'],
    depth,
  );
}

function indent(lines: readonly string[], depth: number): string[] {
  return lines.map((line) => `${'  '.repeat(depth)}${line}`);
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
