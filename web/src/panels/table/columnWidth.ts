import type { FieldConfigSource } from '@grafana/data';

const widthId = 'custom.width';

/** The field options after the user resized a column: the width becomes an override for that column. */
export function withColumnWidth(source: FieldConfigSource, displayName: string, width: number): FieldConfigSource {
  const property = { id: widthId, value: Math.round(width) };
  const index = source.overrides.findIndex(({ matcher }) => matcher.id === 'byName' && matcher.options === displayName);
  if (index < 0) {
    return { ...source, overrides: [...source.overrides, { matcher: { id: 'byName', options: displayName }, properties: [property] }] };
  }
  const overrides = [...source.overrides];
  const found = overrides[index]!;
  overrides[index] = { ...found, properties: [...found.properties.filter(({ id }) => id !== widthId), property] };
  return { ...source, overrides };
}
