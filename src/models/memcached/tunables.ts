/**
 * What memcached lets be tuned and has no counterpart here: memory is not divided into slab classes with a list each. It is kept, so that whoever sets
 * it finds it in `stats settings`.
 */
export class Tunables {
  hasCrawler = true;
  crawlerSleepUs = 100;
  toCrawl = 0;
  hasMaintainer = true;
  isSegmented = true;
  hotPercent = 20;
  warmPercent = 40;
  hotMaxFactor = 0.2;
  warmMaxFactor = 2;
  hasTemporaryLru = false;
  temporaryTtl = 61;
  slabAutomove = 1;
  slabAutomoveRatio = 0.8;
  growthFactor = 1.25;
  chunkSize = 48;
  slabChunkMax: number = 512 * 1024;
}
