/** Processes of their own with a database of classic-level or KvasirLevel, for tests of locks and of `kill -9`. Kvasir is the compiled one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

export type Implementation = 'classic-level' | 'kvasir/level';

const MODULES: Readonly<Record<Implementation, string>> = {
  'classic-level': pathToFileURL(createRequire(import.meta.url).resolve('classic-level')).href,
  'kvasir/level': new URL('../../dist/adapters/level/index.js', import.meta.url).href,
};

/** What runs there: `program` is the body of a function of the database's class, its directory and `say`, which tells this process a line. */
const FRAME = `
const [module, directory, program] = process.argv.slice(-3);
const { ClassicLevel, KvasirLevel } = await import(module);
const say = (text) => process.stdout.write(text + '\\n');
const run = new (async () => {}).constructor('Level', 'directory', 'say', program);
await run(KvasirLevel ?? ClassicLevel, directory, say).catch((error) => {
  say(['error', error.code, error.cause?.code].join(' '));
});
`;

export class LevelChild {
  readonly process: ChildProcess;
  readonly lines: string[] = [];
  /** Its exit code, or the signal that it ended by. */
  readonly ended: Promise<number | string>;
  #errors = '';
  #onLine: () => void = () => {};

  constructor(implementation: Implementation, directory: string, program: string) {
    const args = ['--unhandled-rejections=strict', '--input-type=module', '-e', FRAME];
    this.process = spawn(process.execPath, [...args, MODULES[implementation], directory, program], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let rest = '';
    this.process.stdout!.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop()!;
      this.lines.push(...lines);
      this.#onLine();
    });
    this.process.stderr!.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()));
    this.ended = new Promise((resolve, reject) => {
      this.process.once('close', (code, signal) => {
        if (this.#errors !== '') reject(new Error(this.#errors));
        else resolve(code ?? signal!);
      });
    });
  }

  /** Its first line. */
  async said(): Promise<string> {
    const line = new Promise<void>((resolve) => (this.#onLine = resolve));
    if (this.lines.length === 0) await Promise.race([line, this.ended]);
    return this.lines[0] ?? 'nothing';
  }

  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }
}
