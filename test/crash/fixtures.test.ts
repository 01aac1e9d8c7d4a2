import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { SimulatedFileSystem } from '../../src/os/simulated-file-system.ts';
import { SimulatedLoop } from '../../src/os/simulated-loop.ts';
import { SimulatedServer } from './simulated-server.ts';

/** The same commands were sent to each server that wrote one: they stay as they are, whatever later versions write. */
const FIXTURES = new URL('../fixtures/', import.meta.url);

const EXPECTED = [
  `0:42=numberkey@-1`,
  `0:binary=bin\0\x01\xff\r\nary@-1`,
  `0:empty=@-1`,
  `0:expiring=soon@4102444800123`,
  `0:int=12346@-1`,
  `0:long=${'abc'.repeat(100).slice(0, 40)}(300)@-1`,
  `0:plain=hello world@-1`,
  `0:t1=a@-1`,
  `0:t2=b@4102444800999`,
  `3:other=db@-1`,
  `3:second=2@-1`,
].join(' ');

test.each(['redis-7.0.15', 'kvasir-0.1', 'kvasir-0.1-commands'])('%s is loaded', async (name) => {
  const files = new SimulatedFileSystem(new SimulatedLoop());
  const folder = new URL(`${name}/appendonlydir/`, FIXTURES);
  for (const file of fs.readdirSync(folder)) {
    files.put(`/data/appendonlydir/${file}`, fs.readFileSync(fileURLToPath(new URL(file, folder))));
  }
  files.makeDirectory('/data');
  const server = new SimulatedServer(files, 1, {});
  await server.open();
  expect(server.dump()).toBe(EXPECTED);
});
