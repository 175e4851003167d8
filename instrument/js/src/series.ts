import { STATUS_CODES } from 'node:http';

import { Sizes } from './sizes.js';

/** The route of requests that no route matched. */
export const routeUnknown = 'unknown';
/** The route of requests beyond `Options.maxSeries`. */
export const routeOverflow = 'overflow';
/** The method of requests whose method is not known. */
export const methodOther = 'other';

/** The status of requests whose client disconnected before the response began. nginx uses the same number. */
export const statusClientGone = 499;

const knownMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE'];

/** One combination of method, route and status. */
export interface Series {
  readonly labels: { readonly method: string; readonly route: string; readonly status: string };
  /** Requests that http_requests_total does not include yet. */
  requests: number;
  readonly received: Sizes;
  readonly sent: Sizes;
}

/** The series of a route, by method and status. */
interface Route {
  readonly name: string;
  readonly methods: Map<string, { readonly byStatus: Map<number | string, Series>; readonly received: Sizes; readonly sent: Sizes }>;
}

/** SeriesTable finds the series of a request and limits how many there are. */
export class SeriesTable {
  readonly #max: number;
  readonly #methods: Set<string>;
  readonly #onOverflow: () => void;
  readonly #routes = new Map<string, Route>();
  readonly #beyond: Route = { name: routeOverflow, methods: new Map() };
  #count = 0;

  constructor(max: number, methods: readonly string[], onOverflow: () => void) {
    this.#max = max;
    this.#methods = new Set([...knownMethods, ...methods]);
    this.#onOverflow = onOverflow;
    this.#routes.set(routeUnknown, { name: routeUnknown, methods: new Map() });
    this.#routes.set(routeOverflow, this.#beyond);
  }

  /** find returns the series of a request. An empty route means that none matched. */
  find(method: string, route: string, status: number): Series {
    if (!this.#methods.has(method)) {
      method = methodOther;
    }
    const known = this.#routes.get(route);
    return known?.methods.get(method)?.byStatus.get(status) ?? this.#add(method, route, status);
  }

  #add(method: string, name: string, status: number): Series {
    name = name === '' ? routeUnknown : name.toWellFormed(); // what is no UTF-8 would become the same label
    let route = this.#routes.get(name);
    const found = route?.methods.get(method)?.byStatus.get(status);
    if (found) {
      return found;
    }
    if (this.#count < this.#max) {
      this.#count++;
      if (!route) {
        route = { name, methods: new Map() };
        this.#routes.set(name, route);
      }
      return this.#make(route, method, status, String(status));
    }
    this.#onOverflow();
    if (STATUS_CODES[status] !== undefined || status === statusClientGone) {
      return this.#beyond.methods.get(method)?.byStatus.get(status) ?? this.#make(this.#beyond, method, status, String(status));
    }
    // Statuses that handlers invent must be limited too. Dashboards select 5.., which this matches.
    const classOf = `${Math.max(Math.trunc(status / 100), 1)}xx`;
    return this.#beyond.methods.get(method)?.byStatus.get(classOf) ?? this.#make(this.#beyond, method, classOf, classOf);
  }

  #make(route: Route, method: string, key: number | string, status: string): Series {
    let group = route.methods.get(method);
    if (!group) {
      group = { byStatus: new Map(), received: new Sizes(), sent: new Sizes() };
      route.methods.set(method, group);
    }
    const series: Series = {
      labels: { method, route: route.name, status },
      requests: 0,
      received: group.received,
      sent: group.sent,
    };
    group.byStatus.set(key, series);
    return series;
  }

  /** all yields every series. */
  *all(): Generator<Series> {
    for (const route of this.#routes.values()) {
      for (const { byStatus } of route.methods.values()) {
        yield* byStatus.values();
      }
    }
  }

  /** sizes yields the sizes of each method and route. */
  *sizes(): Generator<{ labels: { method: string; route: string }; received: Sizes; sent: Sizes }> {
    for (const route of this.#routes.values()) {
      for (const [method, { received, sent }] of route.methods) {
        yield { labels: { method, route: route.name }, received, sent };
      }
    }
  }
}
