import { standardTransformers, standardTransformersRegistry, type DataTransformerInfo, type TransformerRegistryItem } from '@grafana/data';

const noEditor = () => null;

/** Older dashboards name some transformations by other ids. */
const aliases: Record<string, DataTransformerInfo> = { seriesToColumns: standardTransformers.joinByFieldTransformer as DataTransformerInfo };

/** Registers every transformation that @grafana/data has, under the ids that dashboards use. */
export function registerTransformers() {
  const byId = new Map<string, DataTransformerInfo>(Object.entries(aliases));
  for (const info of Object.values(standardTransformers)) {
    byId.set(info.id, info as DataTransformerInfo);
  }
  standardTransformersRegistry.setInit(() =>
    [...byId].map(([id, info]): TransformerRegistryItem => ({
      id, name: info.name, description: info.description, defaultOptions: info.defaultOptions, transformation: () => Promise.resolve(info),
      editor: noEditor, imageDark: '', imageLight: '',
    }))
  );
}
