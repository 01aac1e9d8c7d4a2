/** How INFO writes its figures. */
const UNITS = ['B', 'K', 'M', 'G', 'T', 'P'];

/** An amount of bytes for people: `512B`, `1.04M`. */
export function humanBytes(bytes: number): string {
  if (bytes < 1024) return `${Math.floor(bytes)}B`;
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(2)}${UNITS[power]}`;
}

/** `a / b`, 0 where there is nothing to divide by. */
export function ratio(a: number, b: number): number {
  return b > 0 ? a / b : 0;
}

/** A name from outside as part of a field's name: what would break the line is replaced. */
export function safeName(name: string): string {
  return name.replace(/[#:\n\r]/g, '_');
}
