/** The commands of the text and meta protocols. */
import { META_GET_COMMANDS } from './meta-get.ts';
import { META_ITEM_COMMANDS } from './meta-items.ts';
import { META_STORE_COMMANDS } from './meta-store.ts';
import { ITEM_COMMANDS } from './text-items.ts';
import { RETRIEVAL_COMMANDS } from './text-retrieval.ts';
import { SERVER_COMMANDS } from './text-server.ts';
import { STORAGE_COMMANDS } from './text-storage.ts';
import type { TextCommandSpec } from './text-table.ts';

export const META_COMMANDS: readonly TextCommandSpec[] = [
  ...META_GET_COMMANDS,
  ...META_STORE_COMMANDS,
  ...META_ITEM_COMMANDS,
];

export const TEXT_COMMANDS: readonly TextCommandSpec[] = [
  ...RETRIEVAL_COMMANDS,
  ...STORAGE_COMMANDS,
  ...ITEM_COMMANDS,
  ...SERVER_COMMANDS,
];
