/** One stream of a response of /loki/api/v1/query_range. */
export interface Stream {
  stream: Record<string, string>;
  /** [nanoseconds as text, line and, with Loki 3, metadata of the line besides its labels] */
  values: Array<[string, string, { structuredMetadata?: Record<string, string>; parsed?: Record<string, string> }?]>;
}
