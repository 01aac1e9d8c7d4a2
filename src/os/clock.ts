/** Time, read only through this interface so that whatever depends on it can be replayed and tested. */
export interface Clock {
  /** Milliseconds since the epoch, an integer. May jump when the system's clock is set. */
  now(): number;
  /** Microseconds since the epoch, an integer. May jump as `now` does. */
  nowUs(): number;
  /** Microseconds of a clock that only moves forward; its zero is arbitrary. For durations. */
  monotonicUs(): number;
  /** Microseconds of CPU that this process has used, all its threads together. Costs about a microsecond. */
  cpuUs(): number;
}

export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  nowUs(): number {
    return Math.round((performance.timeOrigin + performance.now()) * 1000);
  }

  monotonicUs(): number {
    return performance.now() * 1000;
  }

  cpuUs(): number {
    const { user, system } = process.cpuUsage();
    return user + system;
  }
}
