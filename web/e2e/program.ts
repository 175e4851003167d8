import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export const repository = resolve(import.meta.dirname, '../..');
const binary = process.env['AUSGUCK_BIN'] ?? join(repository, 'bin/ausguck');
export const password = 'correct horse battery staple';

export interface ProgramOptions {
  /** Files of the configuration folder, by path. */
  files?: Record<string, string>;
  args?: string[];
  /** Variables in addition to or instead of the password. */
  env?: Record<string, string>;
  /** The port it listens on; by default a free one. */
  port?: number;
}

/** A running Ausguck with its own folders and URL. */
export class Program {
  private constructor(
    readonly url: string,
    private readonly dir: string,
    private readonly child: ChildProcess,
    readonly output: string[]
  ) {}

  static async start({ files = {}, args = [], env = {}, port: wanted }: ProgramOptions): Promise<Program> {
    if (!existsSync(binary)) {
      throw new Error(`${binary} is missing: run make build first`);
    }
    const dir = mkdtempSync(join(tmpdir(), 'ausguck-ui-'));
    for (const [path, content] of Object.entries(files)) {
      const full = join(dir, 'monitoring', path);
      mkdirSync(resolve(full, '..'), { recursive: true });
      writeFileSync(full, content);
    }
    mkdirSync(join(dir, 'monitoring'), { recursive: true });
    const port = wanted ?? (await freePort());
    const output: string[] = [];
    const child = spawn(
      binary,
      [
        `--config.dir=${dir}/monitoring`,
        `--storage.path=${dir}/data`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--no-web.well-known-ports',
        '--no-docker',
        ...args,
      ],
      { env: { ...process.env, GF_SECURITY_ADMIN_PASSWORD: password, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }
    );
    child.stdout.on('data', (text) => output.push(String(text)));
    child.stderr.on('data', (text) => output.push(String(text)));
    const program = new Program(`http://127.0.0.1:${port}`, dir, child, output);
    try {
      await until(`${program.url} is ready`, async () => (await fetch(`${program.url}/-/ready`).catch(() => undefined))?.ok === true, 30_000);
    } catch (err) {
      child.kill('SIGKILL');
      throw new Error(`${String(err)}\n${output.join('')}`);
    }
    return program;
  }

  /** Calls the API as a user, by default the admin, and fails unless the status is 2xx. */
  async api<T>(path: string, options: { method?: string; body?: unknown; user?: string; pass?: string } = {}): Promise<T> {
    const { method = 'GET', body, user = 'admin', pass = password } = options;
    const response = await fetch(this.url + path, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
      headers: { Authorization: `Basic ${Buffer.from(`${user}:${pass}`).toString('base64')}`, 'Content-Type': 'application/json' },
    });
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`${method} ${path}: ${response.status} ${text}`);
    }
    return JSON.parse(text) as T;
  }

  /** The value of an instant query's first series. */
  async query(expr: string): Promise<number | undefined> {
    const { data } = await this.api<{ data: { result: Array<{ value: [number, string] }> } }>(`/api/v1/query?query=${encodeURIComponent(expr)}`);
    return data.result[0] && Number(data.result[0].value[1]);
  }

  /** Writes a file of the configuration folder. */
  write(path: string, content: string) {
    writeFileSync(join(this.dir, 'monitoring', path), content);
  }

  /** Posts something for which the response is empty. */
  async send(path: string, body: unknown) {
    const response = await fetch(this.url + path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { Authorization: `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`, 'Content-Type': 'application/json' },
    });
    if (!response.ok) {
      throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
    }
  }

  /** The number of lines of a selector in the last hour. */
  async logs(selector: string): Promise<number | undefined> {
    const { data } = await this.api<{ data: { result: Array<{ value: [number, string] }> } }>(
      `/loki/api/v1/query?query=${encodeURIComponent(`sum(count_over_time(${selector}[1h]))`)}`
    );
    return data.result[0] && Number(data.result[0].value[1]);
  }

  /** The content of a file of the data folder. */
  stored(path: string): string {
    return readFileSync(join(this.dir, 'data', path), 'utf8');
  }

  async stop() {
    if (this.child.exitCode === null) {
      const gone = new Promise((done) => this.child.once('exit', done));
      this.child.kill('SIGTERM');
      await gone;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** A free port. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

/** Waits until a condition holds; the error names the condition if it does not. */
export async function until(what: string, holds: () => Promise<boolean> | boolean, timeout = 20_000) {
  const end = Date.now() + timeout;
  while (!(await holds())) {
    if (Date.now() > end) {
      throw new Error(`waited ${timeout / 1000} s in vain: ${what}`);
    }
    await new Promise((done) => setTimeout(done, 100));
  }
}
