/** The UDP sockets of the memcached side. */
import dgram from 'node:dgram';
import net from 'node:net';
import type { MemcacheShare } from '../protocols/memcache/connection.ts';
import { Datagrams } from '../protocols/memcache/datagrams.ts';
import { ListenError } from './listeners.ts';
import { isLoopback } from './node-transport.ts';

export interface UdpOptions {
  share: MemcacheShare;
  /** Whether a datagram from this machine, or from another one, is to be dropped. */
  isRefused(isLocal: boolean): boolean;
  /** Around what a datagram runs. */
  begin(): void;
  end(): void;
  log(message: string): void;
}

export class UdpSockets {
  readonly #options: UdpOptions;
  readonly #sockets: dgram.Socket[] = [];

  constructor(options: UdpOptions) {
    this.#options = options;
  }

  /** Listens at each of `addresses`; throws ListenError, with nothing left open. One with a '-' in front may be missing on this machine. */
  async open(addresses: readonly string[], port: number): Promise<void> {
    try {
      for (const address of addresses) await this.#listen(address, port);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** What is listened at, as `host:port`. */
  get addresses(): string[] {
    return this.#sockets.map((socket) => {
      const { address, port } = socket.address();
      return `${address.includes(':') ? `[${address}]` : address}:${port}`;
    });
  }

  close(): void {
    for (const socket of this.#sockets.splice(0)) socket.close();
  }

  async #listen(listed: string, port: number): Promise<void> {
    const isOptional = listed.startsWith('-');
    const name = isOptional ? listed.slice(1) : listed;
    const address = name === '*' ? '0.0.0.0' : name === '::*' ? '::' : name;
    const socket = dgram.createSocket({
      type: net.isIPv6(address) ? 'udp6' : 'udp4',
      ipv6Only: address === '::',
    });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind(port, address, resolve);
      });
    } catch (cause) {
      socket.close();
      const { code, message } = cause as NodeJS.ErrnoException;
      if (isOptional && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT')) return;
      throw new ListenError(`udp ${address}:${port}`, code ?? 'ELISTEN', message, cause);
    }
    socket.removeAllListeners('error');
    socket.on('error', (error) => this.#options.log(`UDP failed: ${error.message}`));
    const { share } = this.#options;
    const datagrams = new Datagrams<dgram.RemoteInfo>(share, (datagram, to) => {
      if (!this.#sockets.includes(socket)) return; // closed meanwhile
      socket.send(datagram, to.port, to.address, () => {}); // datagrams may get lost
    });
    socket.on('message', (message, from) => {
      if (this.#options.isRefused(isLoopback(from.address))) return;
      this.#options.begin();
      datagrams.receive(message, from);
      this.#options.end();
    });
    this.#sockets.push(socket);
  }
}
