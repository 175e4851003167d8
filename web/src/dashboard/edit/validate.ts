/** Human-readable reasons why a text is not a valid dashboard; empty if it is. */
export function problemsOf(text: string): string[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (err) {
    return [`It is not JSON: ${(err as Error).message}`];
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    return ['A dashboard is a JSON object: { "title": …, "panels": […] }'];
  }
  const { title, panels, templating, time } = json as Record<string, unknown>;
  const problems: string[] = [];
  if (typeof title !== 'string' || title.trim() === '') {
    problems.push('"title" must be a text that is not empty');
  }
  if (panels !== undefined && !Array.isArray(panels)) {
    problems.push('"panels" must be a list');
  }
  for (const [i, panel] of (Array.isArray(panels) ? panels : []).entries()) {
    if (typeof panel !== 'object' || panel === null || typeof (panel as { type?: unknown }).type !== 'string') {
      problems.push(`panels[${i}] must be an object with a "type", such as "timeseries"`);
    }
  }
  const list = (templating as { list?: unknown } | undefined)?.list;
  if (templating !== undefined && !Array.isArray(list)) {
    problems.push('"templating" must be { "list": […] }');
  }
  for (const [i, variable] of (Array.isArray(list) ? list : []).entries()) {
    if (typeof (variable as { name?: unknown } | null)?.name !== 'string') {
      problems.push(`templating.list[${i}] must have a "name"`);
    }
  }
  if (time !== undefined && typeof (time as { from?: unknown } | null)?.from !== 'string') {
    problems.push('"time" must be such as { "from": "now-6h", "to": "now" }');
  }
  return problems;
}
