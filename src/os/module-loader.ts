/** Code of the user's, named in data: `{ module, export }` rather than a function, since a name can be kept in a file and sent to another thread. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * What a module exports under a name, undefined where it has no such export. `module`: an absolute path or a `file:` URL; a path that begins with `.` and is taken from
 * `directory`; or a package, which is looked for above `directory` and then above the working directory. Blocks. Throws what the loading throws.
 */
export function loadExport(module: string, name: string, directory: string): unknown {
  return (loadModule(module, path.resolve(directory)) as Record<string, unknown>)[name];
}

function loadModule(module: string, directory: string): unknown {
  const specifier = module.startsWith('file:') ? fileURLToPath(module) : module;
  const fromDirectory = createRequire(path.join(directory, 'x.js'));
  if (specifier.startsWith('.') || path.isAbsolute(specifier)) return fromDirectory(specifier);
  try {
    return fromDirectory(specifier);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'MODULE_NOT_FOUND') throw error;
    return createRequire(path.join(process.cwd(), 'x.js'))(specifier);
  }
}
