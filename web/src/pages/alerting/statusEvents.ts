import type { StatusEvent } from '../../api/statusPages';

interface Sorted {
  /** Incidents that are not resolved. */
  open: StatusEvent[];
  /** Maintenance that is in progress or planned, the next one first. */
  planned: StatusEvent[];
  past: StatusEvent[];
}

/** The events of a status page by what can be done about them. */
export function sorted(events: StatusEvent[], now: number): Sorted {
  const over = (e: StatusEvent) => e.ends !== undefined && Date.parse(e.ends) <= now;
  return {
    open: events.filter((e) => !e.planned && !over(e)),
    planned: events.filter((e) => e.planned && !over(e)).sort((a, b) => a.starts.localeCompare(b.starts)),
    past: events.filter(over),
  };
}

/** What is said beside the times of an event. */
export function stateOf(e: StatusEvent, now: number): string {
  if (e.planned) {
    return Date.parse(e.ends ?? '') <= now ? 'over' : Date.parse(e.starts) <= now ? 'in progress' : 'planned';
  }
  return e.updates?.at(-1)?.stage || 'investigating';
}

/** The time zone of times on the page, such as "Europe/Berlin". */
export function zoneName(preferred: string): string {
  return preferred === 'browser' || preferred === '' ? Intl.DateTimeFormat().resolvedOptions().timeZone : preferred === 'utc' ? 'UTC' : preferred;
}
