import type { DataFrame, DataLink } from '@grafana/data';

/** Link to the trace of an exemplar, as provisioned for Grafana. */
export interface TraceDestination {
  /** The label that contains the trace ID. */
  name: string;
  url?: string;
  urlDisplayLabel?: string;
}

/** Returns the exemplar frame with links for the labels that have a destination. */
export function withTraces(frame: DataFrame, destinations: TraceDestination[] = []): DataFrame {
  return { ...frame, fields: frame.fields.map((field) => ({ ...field, config: { ...field.config, links: linksOf(field.name, destinations) } })) };
}

function linksOf(label: string, destinations: TraceDestination[]): DataLink[] | undefined {
  const links = destinations
    .filter((d) => d.name === label && d.url)
    .map((d): DataLink => ({ title: d.urlDisplayLabel || `Go to ${d.url}`, url: d.url!, targetBlank: true }));
  return links.length > 0 ? links : undefined;
}
