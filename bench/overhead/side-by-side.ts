/** Runs `body` for 0 .. count - 1, `atOnce` of them at any time; the values in that order. */
export async function sideBySide<T>(count: number, atOnce: number, body: (index: number) => Promise<T>): Promise<T[]> {
  const values: T[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      values[index] = await body(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, lane));
  return values;
}
