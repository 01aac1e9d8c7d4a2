/** The engine's arena has reached its bound; nothing was changed by the call that threw. */
export class EngineFullError extends Error {
  readonly code = 'ENGINE_FULL';

  constructor(limitBytes: number) {
    super(`the memory engine has reached its limit of ${limitBytes} bytes`);
    this.name = 'EngineFullError';
  }
}
