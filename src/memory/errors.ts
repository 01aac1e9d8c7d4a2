/**
 * The engine can hold no more: its own bound is reached, or the system has no memory to give. Nothing was changed by the call that threw.
 * `code` is stable.
 */
export class EngineFullError extends Error {
  readonly code = 'ENGINE_FULL';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EngineFullError';
  }
}
