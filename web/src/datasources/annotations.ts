import {
  arrayToDataFrame,
  type AnnotationEvent,
  type AnnotationQuery,
  type AnnotationSupport,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
} from '@grafana/data';
import type { DataQuery } from '@grafana/schema';
import { from, map, of, type Observable } from 'rxjs';

/** A query that represents an annotation of a dashboard. */
interface AnnotationTarget extends DataQuery {
  annotation?: AnnotationQuery;
}

/** Allows a data source to return its own events for annotation queries, see answerAnnotation. */
// Annotations are typed by the queries of each data source.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export const annotationSupport: AnnotationSupport<any> = {
  prepareAnnotation: (json) => json,
  prepareQuery: (annotation) => ({ refId: 'Anno', annotation }),
  processEvents: (_, frames) => of(frames.flatMap(eventsOf)),
};

/** The response to an annotation query, or undefined if the request is not one. */
export function answerAnnotation(
  request: DataQueryRequest<DataQuery>,
  events: (annotation: AnnotationQuery) => Promise<AnnotationEvent[]>
): Observable<DataQueryResponse> | undefined {
  const annotation = (request.targets[0] as AnnotationTarget | undefined)?.annotation;
  return annotation && from(events(annotation)).pipe(map((found) => ({ data: found.length > 0 ? [arrayToDataFrame(found)] : [] })));
}

function eventsOf(frame: DataFrame): AnnotationEvent[] {
  return Array.from({ length: frame.length }, (_, row) => Object.fromEntries(frame.fields.map((field) => [field.name, field.values[row]])));
}
