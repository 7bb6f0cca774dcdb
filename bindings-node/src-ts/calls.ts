// How calls reach the native half and come back: values wrapped, errors as their classes.

import { translated } from "./errors.js";

/** Calls now. */
export function now<W, R>(call: () => W, wrap: (value: W) => R): R {
  let value;
  try {
    value = call();
  } catch (error) {
    throw translated(error);
  }
  return wrap(value);
}

/** Calls now and promises the answer, which often is there already. */
export async function soon<W, R>(call: () => W | Promise<W>, wrap: (value: W) => R): Promise<R> {
  let value;
  try {
    value = await call();
  } catch (error) {
    throw translated(error);
  }
  return wrap(value);
}

/** For calls that answer nothing. */
export function nothing(): void {}
