// The native half. Nothing outside this package imports it.

import native from "../native/index.cjs";

export type * from "../native/index.cjs";
export default native;
