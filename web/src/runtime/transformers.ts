import { standardTransformers, standardTransformersRegistry, type DataTransformerInfo, type TransformerRegistryItem } from '@grafana/data';

/** Other IDs of some transformations, used in older dashboards. */
const aliases: Record<string, DataTransformerInfo> = { seriesToColumns: standardTransformers.joinByFieldTransformer as DataTransformerInfo };

/** Transformations of Grafana's application; their code is loaded when a panel uses one. */
const own = [
  'extractFields',
  'rowsToFields',
  'configFromData',
  'prepareTimeSeries',
  'partitionByValues',
  'joinByLabels',
  'timeSeriesTable',
  'regression',
  'heatmap',
];

/** Registers all transformations under the IDs that dashboards use. */
export function registerTransformers() {
  const loaders = new Map<string, TransformerRegistryItem['transformation']>();
  for (const [id, info] of [...Object.entries(aliases), ...Object.values(standardTransformers).map((info) => [info.id, info] as const)]) {
    loaders.set(id, () => Promise.resolve(info as DataTransformerInfo));
  }
  for (const id of own) {
    loaders.set(id, async () => (await import('./transformations')).transformations.find((t) => t.id === id)!);
  }
  standardTransformersRegistry.setInit(() =>
    [...loaders].map(([id, transformation]): TransformerRegistryItem => ({
      id,
      name: id,
      description: '',
      transformation,
      editor: () => null,
      imageDark: '',
      imageLight: '',
    }))
  );
}
