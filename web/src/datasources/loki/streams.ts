/** One stream of the answer of /loki/api/v1/query_range. */
export interface Stream {
  stream: Record<string, string>;
  /** [nanoseconds as text, line, and with Loki 3 what is known of the line beside its labels] */
  values: Array<[string, string, { structuredMetadata?: Record<string, string>; parsed?: Record<string, string> }?]>;
}
