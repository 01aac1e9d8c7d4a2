/** Operators and filters of the user's, which a directory names and every thread loads for itself. */
import { loadExport } from '../../os/module-loader.ts';
import { LsmError } from '../errors.ts';
import type { Json, JsonObject } from '../manifest/kvasir-file.ts';

export interface ModuleExport {
  /** An absolute path or `file:` URL, a path relative to the database's directory (`./operators.js`), or a package. ESM or CommonJS, without `await` at its top level. */
  readonly module: string;
  /** The name of the export. */
  readonly export: string;
}

/** Loads what `what` (for messages: a merge operator of which keyspace) is. Throws LsmError UNSUPPORTED by name. */
export function loadNamed(what: string, named: ModuleExport, directory: string): unknown {
  const place = { path: directory, found: `${named.module}, export ${named.export}` };
  let found: unknown;
  try {
    found = loadExport(named.module, named.export, directory);
  } catch (cause) {
    throw new LsmError('UNSUPPORTED', `${what} cannot be loaded`, { ...place, cause });
  }
  if (found === undefined) throw new LsmError('UNSUPPORTED', `${what} is not there`, place);
  return found;
}

/** Throws TypeError for what names no export. */
export function checkNamed(what: string, named: ModuleExport): void {
  if (typeof named.module === 'string' && typeof named.export === 'string') return;
  throw new TypeError(`${what} must be { module, export }`);
}

export function namedToJson(named: ModuleExport): JsonObject {
  return { module: named.module, export: named.export };
}

/** undefined where it is none. */
export function namedFromJson(json: Json | undefined): ModuleExport | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  const { module, export: name } = json as JsonObject;
  if (typeof module !== 'string' || typeof name !== 'string') return undefined;
  return { module, export: name };
}
