// Lists.

/**
 * One page of a list: an array of what is on it, which does not change. `JSON.stringify` writes the items.
 */
export interface Page<T> extends ReadonlyArray<T> {
  /** What is on it, as an array and nothing more. */
  readonly items: readonly T[];
  /** Where the next page goes on; absent on the last one. */
  readonly next: string | undefined;
}

/** The page of these items. */
export function pageOf<T>(items: readonly T[], next: string | undefined): Page<T> {
  // Not enumerable: to comparisons, copies and JSON a page is the list of its items.
  const more = { items: { value: Object.freeze([...items]) }, next: { value: next } };
  return Object.freeze(Object.defineProperties([...items], more)) as unknown as Page<T>;
}
