/**
 * The engine can hold no more: its own bound is reached, or the system has no memory to give. Nothing was changed by the call that threw.
 * `code` is stable.
 */
export class EngineFullError extends Error {
  readonly code = 'ENGINE_FULL';

  /** `reason`: the bound that is reached, in bytes, or a sentence. */
  constructor(reason: number | string, options?: ErrorOptions) {
    super(
      typeof reason === 'number'
        ? `the memory engine has reached its limit of ${reason} bytes`
        : reason,
      options,
    );
    this.name = 'EngineFullError';
  }
}
