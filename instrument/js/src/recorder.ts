import type { IncomingMessage, ServerResponse } from 'node:http';
import { constants } from 'node:http2';

import { statusClientGone } from './series.js';

/** What a recorder reports to its service. */
export interface Sink {
  /** begun is called when a request begins to be in flight, and ended when it no longer is. */
  begun(): void;
  ended(): void;
  /** count counts a request. Without a duration, it counts nothing but the request. */
  count(method: string, route: string, status: number, durationSeconds: number | undefined, received: number, sent: number): void;
  /** panicked counts a request whose handler threw. */
  panicked(): void;
}

const recorderOf = Symbol('ausguck.recorder');
const counts = Symbol('ausguck.counts');

type Response = ServerResponse & { [recorderOf]?: Recorder };

/** Error codes of sockets whose client disconnected. */
const disconnected = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'HPE_INVALID_EOF_STATE']);

/** Recorder measures one request, from its begin until its response is finished or its connection closed. */
export class Recorder {
  /** The route if setRoute was called. */
  named: string | undefined;
  /** The error that the handler threw. */
  thrown: unknown;
  #matched: (() => string | undefined) | undefined;
  readonly #req: IncomingMessage;
  readonly #res: Response;
  readonly #sink: Sink;
  readonly #start = performance.now();
  #received = -1; // the length that the client declared, if negative
  #sent = 0;
  #ending = false;
  #blocked = false; // a write waits for the client
  #done = false;

  /** of returns the recorder of a response, if it is measured. */
  static of(res: object): Recorder | undefined {
    return (res as Response)[recorderOf];
  }

  /**
   * begin measures a request, unless it is measured already. Once it has been served, matched is asked for the route that the router
   * matched.
   */
  static begin(sink: Sink, req: IncomingMessage, res: ServerResponse, matched?: () => string | undefined): Recorder {
    const recorder = Recorder.of(res);
    if (!recorder) {
      return new Recorder(sink, req, res, matched);
    }
    recorder.#matched ??= matched;
    return recorder;
  }

  private constructor(sink: Sink, req: IncomingMessage, res: Response, matched: (() => string | undefined) | undefined) {
    this.#matched = matched;
    this.#sink = sink;
    this.#req = req;
    this.#res = res;
    res[recorderOf] = this;
    if (!(counts in res)) {
      Recorder.countWrites(res);
    }
    if (req.headers['transfer-encoding'] !== undefined || (req.httpVersionMajor > 1 && req.headers['content-length'] === undefined)) {
      this.#countReceived();
    }
    sink.begun();
    res.on('finish', Recorder.#onFinish);
    res.on('close', Recorder.#onClose);
    if (res.closed || res.destroyed) {
      this.#over(false); // neither event follows
    }
  }

  /** hijacked counts a request whose connection the handler took over, such as a websocket. */
  hijacked(): void {
    if (this.#settle()) {
      this.#sink.count(this.#method(), this.#route(), 101, undefined, 0, 0);
    }
  }

  /** discard leaves the request out of all metrics. */
  discard(): void {
    this.#settle();
  }

  /** threw counts a request whose handler threw outside any framework. That the client disconnected is no error of the handler. */
  threw(error: unknown): void {
    if (error === this.#req.errored) {
      this.#over(false);
      return;
    }
    this.thrown = error;
    this.#finish(500);
  }

  static #onFinish(this: Response): void {
    this[recorderOf]!.#over(true);
  }

  static #onClose(this: Response): void {
    this[recorderOf]!.#over(false);
  }

  /** over counts a request whose response was handed to the system, if finished, or whose connection was closed. */
  #over(finished: boolean): void {
    if (!this.#done) {
      this.#finish(this.#result(finished));
    }
  }

  #settle(): boolean {
    if (this.#done) {
      return false;
    }
    this.#done = true;
    this.#sink.ended();
    return true;
  }

  #finish(status: number): void {
    if (!this.#settle()) {
      return;
    }
    if (status >= 500 && this.thrown !== undefined && !hasStatus(this.thrown)) {
      this.#sink.panicked();
    }
    const received = this.#received >= 0 ? this.#received : Number(this.#req.headers['content-length']) || 0;
    this.#sink.count(this.#method(), this.#route(), status, (performance.now() - this.#start) / 1000, received, this.#sent);
  }

  #method(): string {
    return this.#req.method ?? '';
  }

  #route(): string {
    return this.named ?? this.#matched?.() ?? '';
  }

  #result(finished: boolean): number {
    const req = this.#req;
    const res = this.#res;
    const error = req.socket?.errored as NodeJS.ErrnoException | null | undefined;
    let complete = finished && !error;
    let gone = error ? disconnected.has(error.code ?? '') : req.socket?.readableEnded === true;
    const { stream } = res as { stream?: { aborted: boolean; rstCode: number } };
    if (stream) {
      // HTTP/2, which always emits finish
      complete = !stream.aborted && stream.rstCode === constants.NGHTTP2_NO_ERROR;
      gone = stream.rstCode === constants.NGHTTP2_CANCEL;
    }
    if (complete) {
      return res.statusCode;
    }
    if (!gone) {
      // the service broke the response off
      return error?.code === 'ERR_HTTP_REQUEST_TIMEOUT' && !res.headersSent ? 408 : 500;
    }
    if (!res.headersSent || res.writableEnded || this.#blocked || this.#sent < Number(res.getHeader('content-length'))) {
      return statusClientGone;
    }
    return res.statusCode; // a stream that the client ended
  }

  /** countReceived counts a body whose length the client did not declare. */
  #countReceived(): void {
    const req = this.#req;
    const push = req.push;
    this.#received = 0;
    req.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk instanceof Uint8Array) {
        this.#received += chunk.length;
      }
      return push.call(req, chunk, encoding);
    };
  }

  /** countWrites makes a response, or the prototype of responses, tell their recorders what is written. */
  static countWrites(target: object): void {
    const response = target as Record<'write' | 'end', (...args: unknown[]) => unknown>;
    const { write, end } = response;
    response.write = function (this: Response, ...args: unknown[]) {
      const more = write.apply(this, args);
      this[recorderOf]?.wrote(args, more === true);
      return more;
    };
    response.end = function (this: Response, ...args: unknown[]) {
      this[recorderOf]?.ends(args);
      return end.apply(this, args);
    };
  }

  /** countAllWrites does the same for all responses with a prototype, which costs less than one by one. */
  static countAllWrites(prototype: object): void {
    if (!(counts in prototype)) {
      Object.defineProperty(prototype, counts, { value: true });
      Recorder.countWrites(prototype);
    }
  }

  private wrote(args: unknown[], more: boolean): void {
    if (!this.#ending) {
      this.#sent += lengthOf(args[0], args[1]);
    }
    if (!more && !this.#blocked) {
      this.#blocked = true;
      this.#res.once('drain', () => (this.#blocked = false));
    }
  }

  private ends(args: unknown[]): void {
    if (!this.#ending) {
      this.#ending = true; // some responses call write from there
      this.#sent += lengthOf(args[0], args[1]);
    }
  }
}

function lengthOf(chunk: unknown, encoding: unknown): number {
  if (typeof chunk === 'string') {
    return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
  }
  return chunk instanceof Uint8Array ? chunk.length : 0;
}

/** hasStatus reports whether an error names its status, as those do that frameworks and handlers throw on purpose. */
function hasStatus(error: unknown): boolean {
  const { status, statusCode } = Object(error) as { status?: unknown; statusCode?: unknown };
  return typeof status === 'number' || typeof statusCode === 'number';
}

/**
 * setRoute sets the route of the request that res responds to; empty means that none matched. It is for routers other than those
 * of Fastify and Express. The last call counts. It reports whether the request is measured.
 *
 * A route must be a pattern of the service ("/users/:id"), never a path sent by the client.
 */
export function setRoute(res: object, route: string): boolean {
  const recorder = Recorder.of(res);
  if (recorder) {
    recorder.named = route;
  }
  return recorder !== undefined;
}
