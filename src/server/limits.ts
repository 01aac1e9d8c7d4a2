/** Bounds of the sockets a server accepts. */

/** How long a TLS handshake may take; the socket is closed then. */
export const HANDSHAKE_MS = 30_000;
