/**
 * The process in which one contestant goes through one unit: `node child.js JOB`, JOB being JSON. Prints what it measured as one line of JSON.
 */
import { makeContestant } from './contestants.ts';
import { Entries } from './entries.ts';
import type { Measurement } from './measure.ts';
import { PeerPackages } from './peers/peer-packages.ts';
import { Scene, type SceneOptions } from './scene.ts';
import { UNITS } from './units.ts';

export interface Job {
  readonly contestant: string;
  readonly unit: string;
  readonly peers: string;
  readonly directory: string;
  readonly valueBytes: number;
  readonly options: SceneOptions;
}

export interface JobResult {
  readonly build: string;
  /** By workload; empty where the contestant has not the form that the unit needs. */
  readonly results: Record<string, Measurement>;
}

const job = JSON.parse(process.argv[2]!) as Job;
const contestant = makeContestant(job.contestant, new PeerPackages(job.peers));
const data = new Entries(job.options.seed, job.valueBytes);
const scene = new Scene(contestant, data, job.directory, job.options);
const unit = UNITS.find((unit) => unit.name === job.unit)!;
const hasBlocks = contestant.compressions.includes(job.options.settings.compression);
if (hasBlocks && unit.isFor(contestant)) await unit.run(scene);
const result: JobResult = { build: contestant.build, results: scene.results };
process.stdout.write(`\n${JSON.stringify(result)}\n`, () => process.exit(0));
