/*
 * The well-known types that have ProtoJSON forms of their own. Only the declarations that count for the wire are kept.
 */

const timestamp = `syntax = "proto3";
package google.protobuf;

// A point in time, independent of time zones: seconds and nanoseconds since 1970-01-01T00:00:00Z.
message Timestamp {
  // From 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
  int64 seconds = 1;
  // 0 to 999,999,999; counts forward even before 1970.
  int32 nanos = 2;
}
`;

const duration = `syntax = "proto3";
package google.protobuf;

// A signed span of time.
message Duration {
  // At most 315,576,000,000 (about 10,000 years) in either direction.
  int64 seconds = 1;
  // 0 to 999,999,999 with the sign of the seconds.
  int32 nanos = 2;
}
`;

const any = `syntax = "proto3";
package google.protobuf;

// A message of any type together with the name of its type.
message Any {
  // Ends in "/" and the full name of the type: "type.googleapis.com/shop.NewOrder".
  string type_url = 1;
  // The encoded message.
  bytes value = 2;
}
`;

const empty = `syntax = "proto3";
package google.protobuf;

// A message without content.
message Empty {}
`;

const fieldMask = `syntax = "proto3";
package google.protobuf;

// Names fields of a message.
message FieldMask {
  // Paths in proto names: "customer.region".
  repeated string paths = 1;
}
`;

const struct = `syntax = "proto3";
package google.protobuf;

// A JSON object.
message Struct {
  map<string, Value> fields = 1;
}

// A JSON value.
message Value {
  oneof kind {
    NullValue null_value = 1;
    double number_value = 2;
    string string_value = 3;
    bool bool_value = 4;
    Struct struct_value = 5;
    ListValue list_value = 6;
  }
}

// JSON's null.
enum NullValue {
  NULL_VALUE = 0;
}

// A JSON array.
message ListValue {
  repeated Value values = 1;
}
`;

const wrapped = [
  ['DoubleValue', 'double'],
  ['FloatValue', 'float'],
  ['Int64Value', 'int64'],
  ['UInt64Value', 'uint64'],
  ['Int32Value', 'int32'],
  ['UInt32Value', 'uint32'],
  ['BoolValue', 'bool'],
  ['StringValue', 'string'],
  ['BytesValue', 'bytes'],
];

const wrappers = `syntax = "proto3";
package google.protobuf;
${wrapped
  .map(
    ([name, type]) => `
// A ${type} that may be absent.
message ${name} {
  ${type} value = 1;
}
`,
  )
  .join('')}`;

/** Path, as it is imported, to text. */
export const wellKnownSources: ReadonlyMap<string, string> = new Map([
  ['google/protobuf/any.proto', any],
  ['google/protobuf/duration.proto', duration],
  ['google/protobuf/empty.proto', empty],
  ['google/protobuf/field_mask.proto', fieldMask],
  ['google/protobuf/struct.proto', struct],
  ['google/protobuf/timestamp.proto', timestamp],
  ['google/protobuf/wrappers.proto', wrappers],
]);
