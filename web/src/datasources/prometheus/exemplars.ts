import type { DataFrame, DataLink } from '@grafana/data';

/** Where the trace of an exemplar is found, as data sources are provisioned for Grafana. */
export interface TraceDestination {
  /** The label that holds the trace's id. */
  name: string;
  url?: string;
  urlDisplayLabel?: string;
}

/** The frame of exemplars whose labels with a destination are links. */
export function withTraces(frame: DataFrame, destinations: TraceDestination[] = []): DataFrame {
  return { ...frame, fields: frame.fields.map((field) => ({ ...field, config: { ...field.config, links: linksOf(field.name, destinations) } })) };
}

function linksOf(label: string, destinations: TraceDestination[]): DataLink[] | undefined {
  const links = destinations
    .filter((d) => d.name === label && d.url)
    .map((d): DataLink => ({ title: d.urlDisplayLabel || `Go to ${d.url}`, url: d.url!, targetBlank: true }));
  return links.length > 0 ? links : undefined;
}
