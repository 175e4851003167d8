/** An input that an exported dashboard requires on import. */
export interface ImportInput {
  name: string;
  label: string;
  type: string;
  pluginId?: string;
  description?: string;
  value: string;
}

export interface ImportFile {
  json: unknown;
  title: string;
  /** The uid of the dashboard it replaces, if any. */
  uid?: string;
  panels: number;
  inputs: ImportInput[];
  /** Why it cannot be imported; the server makes the final decision. */
  problem?: string;
}

type Json = Record<string, unknown>;

/** Reads a file as far as needed to show what it contains: bare, wrapped, exported, Kubernetes style or the v2 schema. */
export function readImport(text: string): ImportFile {
  const nothing = { json: undefined, title: '', panels: 0, inputs: [] };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (err) {
    return { ...nothing, problem: `It is not JSON: ${(err as Error).message}` };
  }
  if (!isObject(json)) {
    return { ...nothing, problem: 'A dashboard must be a JSON object.' };
  }
  const body = bodyOf(json);
  const { title } = body;
  if (typeof title !== 'string' || title.trim() === '') {
    return { ...nothing, json, problem: 'It has no title. A dashboard looks like { "title": …, "panels": […] }.' };
  }
  return { json, title, uid: uidOf(json, body), panels: countPanels(body), inputs: inputsOf(body) };
}

function bodyOf(json: Json): Json {
  if (isObject(json['dashboard'])) {
    return json['dashboard'];
  }
  return isObject(json['spec']) ? json['spec'] : json;
}

/** In Kubernetes style, it is the name of the object. */
function uidOf(json: Json, body: Json): string | undefined {
  const name = isObject(json['metadata']) ? json['metadata']['name'] : undefined;
  return [body['uid'], name].find((v): v is string => typeof v === 'string' && v !== '');
}

function countPanels(body: Json): number {
  if (isObject(body['elements'])) {
    return Object.keys(body['elements']).length;
  }
  const list = (value: unknown) => (Array.isArray(value) ? value.filter(isObject) : []);
  const rows = list(body['rows']).flatMap((row) => list(row['panels']));
  const panels = list(body['panels']).flatMap((p) => (p['type'] === 'row' ? list(p['panels']) : [p]));
  return rows.length + panels.length;
}

function inputsOf(body: Json): ImportInput[] {
  const list = Array.isArray(body['__inputs']) ? body['__inputs'].filter(isObject) : [];
  return list.map((input) => ({
    name: String(input['name']),
    label: String(input['label'] || input['name']),
    type: String(input['type']),
    pluginId: typeof input['pluginId'] === 'string' ? input['pluginId'] : undefined,
    description: typeof input['description'] === 'string' ? input['description'] : undefined,
    value: typeof input['value'] === 'string' ? input['value'] : '',
  }));
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
