import { tracingChannel } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Metrics } from './metrics.js';
import { Recorder } from './recorder.js';

/** A request as Express has it, and where in the tree of routers it is. */
interface Request extends IncomingMessage {
  baseUrl: string;
  app?: { request: object; response: object }; // undefined if the package router is used without Express
  res?: ServerResponse;
  route?: { stack: unknown[] };
  [placeOf]?: Place;
}

/** Where a request is: the routers around it, from the outermost, and the route that matched last. */
interface Place {
  mounts: Mount[];
  route: string | undefined;
}

/** A router that a request is in: the part of the URL that led to it, and the pattern of that part. */
interface Mount {
  url: string;
  pattern: string | undefined; // unknown until its layer starts
}

/** What Express 5.3 says of each middleware and handler before it calls it. */
interface Started {
  req: Request;
  layer: unknown;
  route: string | RegExp | undefined;
}

// Registered, so that copies of this package share them.
const placeOf = Symbol.for('ausguck.place');
const followed = Symbol.for('ausguck.followed');

/**
 * expressMetrics returns a middleware that measures the requests of an Express 5 app and serves metrics.metricsPath, which is not
 * measured.
 *
 *     app.use(expressMetrics(metrics));
 *
 * Use it before all other middleware. The route is the pattern of the route that responds, after those of the routers that it is
 * mounted in, and "unknown" if there is none. It needs Express 5.3, the first that publishes the patterns.
 */
export function expressMetrics(metrics: Metrics): (req: IncomingMessage, res: ServerResponse, next: (error?: unknown) => void) => void {
  subscribe();
  let warned = false;
  return (req, res, next) => {
    if (metrics.isMetricsPath(req.url)) {
      metrics.serve(req, res);
      return;
    }
    Recorder.begin(metrics.sink, req, res, () => (req as Request)[placeOf]?.route);
    if (!warned && (req as Request)[placeOf] === undefined) {
      warned = true;
      process.emitWarning('Routes are "unknown": this is not Express 5.3 or newer', { code: 'AUSGUCK_NO_ROUTES' });
    }
    next();
  };
}

let subscribed = false;

function subscribe(): void {
  if (subscribed) {
    return;
  }
  subscribed = true;
  const channel = tracingChannel<unknown, object>('express.router.request');
  channel.start.subscribe((message) => started(message as Started));
  channel.error.subscribe((message) => {
    const { req, error } = message as { req: Request; error: unknown };
    const recorder = req.res && Recorder.of(req.res);
    if (recorder) {
      recorder.thrown = error;
    }
  });
}

function started({ req, layer, route }: Started): void {
  const place = req[placeOf] ?? (req.app && follow(req, req.app));
  if (!place) {
    return;
  }
  const { mounts } = place;
  const top = mounts[mounts.length - 1]!;
  if (top.pattern === undefined) {
    // the layer is the one that the router has just descended into
    top.pattern = join(mounts[mounts.length - 2]!.pattern, route);
  } else if (req.route?.stack.includes(layer)) {
    place.route = join(top.pattern, route) || '/';
  }
}

/** join appends the path of a layer to the pattern of the routers around it; neither ends with a slash. */
function join(prefix: string | undefined, path: string | RegExp | undefined): string {
  return prefix + (typeof path === 'string' && path.endsWith('/') ? path.slice(0, -1) : String(path));
}

/** follow lets a request notice that a router descends into another, or returns from it: only baseUrl says so. */
function follow(req: Request, { request, response }: NonNullable<Request['app']>): Place {
  if (!(followed in request)) {
    Object.defineProperty(request, followed, { value: true });
    Object.defineProperty(request, 'baseUrl', {
      get(this: Request) {
        return this[placeOf]?.mounts.at(-1)?.url;
      },
      set: moved,
    });
    Recorder.countAllWrites(response);
  }
  const { baseUrl } = req;
  delete (req as { baseUrl?: string }).baseUrl; // what the first requests had before there was the property above
  moved.call(req, '');
  moved.call(req, baseUrl);
  return req[placeOf]!;
}

/** moved is called with the new baseUrl; it is undefined outside of all routers. */
function moved(this: Request, url = ''): void {
  const place = this[placeOf];
  if (!place) {
    this[placeOf] = { mounts: [{ url: '', pattern: '' }], route: undefined };
    if (url !== '') {
      moved.call(this, url);
    }
    return;
  }
  const { mounts } = place;
  while (mounts.length > 1 && mounts[mounts.length - 1]!.url.length > url.length) {
    mounts.pop();
  }
  if (url.length > mounts[mounts.length - 1]!.url.length) {
    mounts.push({ url, pattern: undefined });
  }
}
