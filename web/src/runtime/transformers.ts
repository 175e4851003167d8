import { standardTransformers, standardTransformersRegistry, type DataTransformerInfo, type TransformerRegistryItem } from '@grafana/data';

const noEditor = () => null;

/** Registers every transformation that @grafana/data has, under the ids that dashboards use. */
export function registerTransformers() {
  standardTransformersRegistry.setInit(() =>
    Object.values(standardTransformers).map((info): TransformerRegistryItem => {
      const transformer = info as DataTransformerInfo;
      return {
        id: transformer.id, name: transformer.name, description: transformer.description, defaultOptions: transformer.defaultOptions,
        transformation: () => Promise.resolve(transformer), editor: noEditor, imageDark: '', imageLight: '',
      };
    })
  );
}
