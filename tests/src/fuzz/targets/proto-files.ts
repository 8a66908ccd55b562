import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareSchemas, generate, type SourceFile } from '@aep/codegen';
import { ROOT } from '../../harness/paths.js';
import { bytesOfText, type FuzzTarget, textOfBytes, tokensOf } from '../target.js';

/** Schemas: parsed, linked, generated from, and compared with a good one as a check for breaking changes does. */
export function openProtoFiles(): FuzzTarget {
  const orders = readFileSync(join(ROOT, 'examples', 'orders', 'orders.proto'));
  const good: SourceFile[] = [{ path: 'a.proto', text: orders.toString() }];
  return {
    name: 'proto',
    testRuns: 400,
    seeds: [orders, bytesOfText(SMALL)],
    tokens: tokensOf('9'.repeat(30), '\0', '\\x00', ...TOKENS.split(' ')),
    run: (input) => {
      const files = [{ path: 'a.proto', text: textOfBytes(input) }];
      generate({ files });
      compareSchemas(good, files);
    },
  };
}

const SMALL = `edition = "2023";
package small;
import "aep/options.proto";
import "google/protobuf/timestamp.proto";
option (aep.factory_id) = 7;
option (aep.factory_name) = "SmallFactory";
enum Kind { UNKNOWN = 0; A = 1; reserved 5 to 9; }
message Root {
  option (aep.state_root) = true;
  map<int64, Item> items = 1;
  Kind kind = 2 [features.field_presence = IMPLICIT];
}
message Item { repeated sint32 numbers = 1; oneof choice { string text = 2; bytes raw = 3; } reserved 4, 10 to max; }
message Event {
  option (aep.type_id) = 3;
  google.protobuf.Timestamp at = 1;
  message Inner { fixed64 value = 1; }
  Inner inner = 2;
}
`;

const TOKENS =
  'message { } ; = [ ] " \' // /* */ \\ 0x 1e999 -1 0 536870911 536870912 19000 max to reserved extensions group repeated ' +
  'optional required map<string,Item> map<Item,Item> oneof enum extend import public "a.proto" "aep/options.proto" edition ' +
  'syntax "proto2" "2023" option (aep.type_id) (aep.state_root) (aep. [deprecated=true] [jstype=JS_NUMBER] .a.b.C __proto__ ' +
  'constructor service rpc returns stream';
