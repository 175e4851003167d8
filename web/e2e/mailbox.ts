import { createServer, type Server } from 'node:net';

/** A mail server that accepts all mails and keeps their plain texts. */
export class Mailbox {
  readonly texts: string[] = [];
  private readonly server: Server = createServer((socket) => {
    let text = '';
    let inMail = false;
    socket.write('220 mailbox ESMTP\r\n');
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      text += String(chunk);
      const end = () => (inMail ? '\r\n.\r\n' : '\r\n');
      while (text.includes(end())) {
        const line = text.slice(0, text.indexOf(end()));
        text = text.slice(line.length + end().length);
        if (inMail) {
          this.texts.push(decoded(line));
        }
        inMail = line === 'DATA' && !inMail;
        socket.write(inMail ? '354 go ahead\r\n' : line === 'QUIT' ? '221 bye\r\n' : '250 OK\r\n');
      }
    });
  });

  /** Listens on a free port, which it returns. */
  async open(): Promise<number> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    return (this.server.address() as { port: number }).port;
  }

  close() {
    this.server.close();
  }
}

/** A body in quoted-printable. */
function decoded(text: string): string {
  return text.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}
