// What a case may have left open in the event loop.

/** libuv's names of what holds a connection, a listener or another process. */
const KINDS = ['TCPSocketWrap', 'TCPServerWrap', 'UDPWrap', 'ProcessWrap']

export const openSockets = (): number => process.getActiveResourcesInfo().filter((kind) => KINDS.includes(kind)).length
