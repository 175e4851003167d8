import { useEffect, useState } from 'react';

import type { Stream } from '../../../datasources/loki/streams';
import type { LogRow } from '../../../panels/logs/rows';
import { tailAddress } from './client';
import { later, nanosOf, rowsOf } from './lines';

/** The maximum number of lines kept; older ones require another time range. */
export const mostTailed = 2000;

export interface Tail {
  /** Newest first. */
  rows: LogRow[];
  state: 'connecting' | 'live' | 'lost';
  /** Number of lines that Loki could not send in time. */
  dropped: number;
}

interface Message {
  streams?: Stream[] | null;
  dropped_entries?: unknown[] | null;
}

const longestWait = 10_000;

/** Tails an expression over a WebSocket; a lost connection is resumed where it broke off. */
export function useTail(expr: string, paused: boolean): Tail {
  const [tail, setTail] = useState<Tail>({ rows: [], state: 'connecting', dropped: 0 });
  useEffect(() => {
    if (paused) {
      return;
    }
    let socket: WebSocket | undefined;
    let retry: ReturnType<typeof setTimeout> | undefined;
    let wait = 500;
    let newest = `${Date.now() - 60_000}000000`;
    let waiting: LogRow[] = [];
    let drawing: number | undefined;
    // Renders once per animation frame, however fast lines arrive.
    const draw = () => {
      drawing = undefined;
      const fresh = waiting.sort((a, b) => b.time - a.time || b.nanos - a.nanos);
      waiting = [];
      setTail((before) => {
        const known = new Set(before.rows.slice(0, mostTailed).map((r) => r.key));
        return { ...before, rows: [...fresh.filter((r) => !known.has(r.key)), ...before.rows].slice(0, mostTailed) };
      });
    };
    const connect = () => {
      socket = new WebSocket(tailAddress(expr, newest));
      socket.onopen = () => {
        wait = 500;
        setTail((before) => ({ ...before, state: 'live' }));
      };
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(String(data)) as Message;
        const fresh = rowsOf(message.streams ?? []);
        if (fresh.length > 0) {
          newest = later(nanosOf(fresh[0]!), 1n);
          waiting.push(...fresh);
          drawing ??= requestAnimationFrame(draw);
        }
        if (message.dropped_entries?.length) {
          setTail((before) => ({ ...before, dropped: before.dropped + message.dropped_entries!.length }));
        }
      };
      socket.onclose = () => {
        setTail((before) => ({ ...before, state: 'lost' }));
        retry = setTimeout(connect, wait);
        wait = Math.min(wait * 2, longestWait);
      };
    };
    connect();
    return () => {
      clearTimeout(retry);
      if (drawing !== undefined) {
        cancelAnimationFrame(drawing);
      }
      if (socket) {
        socket.onclose = null;
        socket.close();
      }
    };
  }, [expr, paused]);
  return tail;
}
