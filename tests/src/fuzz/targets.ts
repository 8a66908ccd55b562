import type { FuzzTargetMaker } from './target.js';
import { openArbiterDescriptors, openEtcdReplies } from './targets/arbiter.js';
import { openCommandLine } from './targets/command-line.js';
import { openInvoiceLines } from './targets/invoice-lines.js';
import { openRecords } from './targets/journal.js';
import { openFilters, openKeys } from './targets/keys.js';
import { openFrames, openReceiver, openSender } from './targets/link.js';
import { openMessageBytes, openMessageJson, openMetadata } from './targets/messages.js';
import { openNatsMessages } from './targets/nats.js';
import { openProtoFiles } from './targets/proto-files.js';
import { openStoreFiles } from './targets/store-files.js';
import { openStompClient, openStompFrames } from './targets/stomp.js';
import { openDescriptors, openJsonModels, openXmlModels } from './targets/models.js';

const SECRET = 'a secret of the fuzzer';

/** Every place where bytes or text come in from outside. */
export const FUZZ_TARGETS: readonly FuzzTargetMaker[] = [
  { name: 'message-bytes', open: openMessageBytes },
  { name: 'message-json', open: openMessageJson },
  { name: 'metadata', open: openMetadata },
  { name: 'frames', open: openFrames },
  { name: 'link-receiver', open: () => openReceiver() },
  { name: 'link-sender', open: () => openSender() },
  { name: 'secret-receiver', open: () => openReceiver(SECRET) },
  { name: 'secret-sender', open: () => openSender(SECRET) },
  { name: 'stomp-frames', open: openStompFrames },
  { name: 'stomp-client', open: openStompClient },
  { name: 'nats-messages', open: openNatsMessages },
  { name: 'records', open: openRecords },
  { name: 'store-files', open: openStoreFiles },
  { name: 'keys', open: openKeys },
  { name: 'filters', open: openFilters },
  { name: 'descriptors', open: openDescriptors },
  { name: 'arbiter-descriptors', open: openArbiterDescriptors },
  { name: 'etcd-replies', open: openEtcdReplies },
  { name: 'model-xml', open: openXmlModels },
  { name: 'model-json', open: openJsonModels },
  { name: 'proto', open: openProtoFiles },
  { name: 'csv', open: openInvoiceLines },
  { name: 'cli', open: openCommandLine },
];
