// One macrotask later, as soon as the runtime can: setImmediate where there is one, because a timer of 0 takes a millisecond.

/** Lets the event loop go round once: other connections come first. */
export const nextLoop: (turn: () => void) => unknown =
  (globalThis as { setImmediate?: (turn: () => void) => unknown }).setImmediate ?? ((turn) => setTimeout(turn, 0))
