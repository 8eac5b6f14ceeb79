// What is particular about the server that pages talk to.

/** Two of the peers trust what is compiled into them; web.ts serves them with a root of ours, and that is on P-256. */
export const ONLY_P256 = 'the server for pages has a key on P-256'
