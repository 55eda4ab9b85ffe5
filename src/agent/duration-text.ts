/** For people: `45 s`, `10 min`, `1.5 h`. @param ms milliseconds */
export function durationText(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3_600 ? `${Math.ceil(seconds / 60)} min` : `${Number((seconds / 3_600).toFixed(1))} h`;
}
