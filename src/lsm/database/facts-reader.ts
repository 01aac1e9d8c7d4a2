/**
 * Learns after an opening what the tables that are there hold: manifests of format level 1 do not say it, but the tables' own properties do. A table at a
 * time, with a turn of the event loop between them; whoever decides about compactions goes by what is known so far.
 */
import type { TableProperties } from '../format/properties.ts';
import type { FileFacts } from '../manifest/version-edit.ts';
import type { TableFile } from '../version/table-file.ts';
import type { Engine } from './engine.ts';

export class FactsReader {
  readonly #engine: Engine;
  readonly #left: { readonly level: number; readonly file: TableFile }[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Begins with all tables of the current version. */
  begin(): void {
    const { versions, timers } = this.#engine;
    for (const [level, files] of versions.current.levels.entries()) {
      for (const file of files) if (file.facts === undefined) this.#left.push({ level, file });
    }
    if (this.#left.length > 0) timers.soon(this.#next);
  }

  readonly #next = (): void => {
    const { isClosed, timers, background } = this.#engine;
    const next = this.#left.pop();
    if (isClosed || next === undefined) return;
    // Nobody may need the file any more.
    if (next.file.references > 0 && next.file.facts === undefined) this.#learn(next);
    if (this.#left.length > 0) timers.soon(this.#next);
    else background.schedule();
  };

  #learn({ level, file }: { readonly level: number; readonly file: TableFile }): void {
    const { tables } = this.#engine;
    try {
      const table = tables.acquire(file.number, level);
      file.facts = factsOf(table.properties);
      tables.release(table);
    } catch {
      // Who reads from it will be told.
    }
  }
}

function factsOf(properties: TableProperties | undefined): FileFacts {
  if (properties === undefined) return {};
  const { createdAtSeconds, youngestAtSeconds } = properties;
  const { minSequence, maxSequence, entries, deletions, rangeDeletions, hiddenVersions } =
    properties;
  return {
    minSequence,
    maxSequence,
    entries,
    deletions,
    rangeDeletions,
    hiddenVersions,
    youngestSeconds: youngestAtSeconds === 0 ? undefined : youngestAtSeconds,
    writtenSeconds: createdAtSeconds === 0 ? undefined : createdAtSeconds,
  };
}
