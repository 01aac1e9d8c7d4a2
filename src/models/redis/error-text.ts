/** What an error text shows of an argument: as in C, it ends at a NUL. */
export function quotable(text: string): string {
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}
