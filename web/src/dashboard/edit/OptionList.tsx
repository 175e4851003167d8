import {
  type DataFrame,
  type FieldConfigSource,
  type InterpolateFunction,
  type PanelPlugin,
  type StandardEditorContext,
  PanelOptionsEditorBuilder,
} from '@grafana/data';
import { ControlledCollapse, Field } from '@grafana/ui';
import { get, isEqual, merge, set as setPath, cloneDeep, unset } from 'lodash';
import { useMemo, type ComponentType } from 'react';

import type { PanelJson } from '../model';

interface Props {
  panel: PanelJson;
  plugin: PanelPlugin;
  data: DataFrame[];
  onChange: (panel: PanelJson) => void;
  replaceVariables: InterpolateFunction;
}

// Options and field options are of another type for each panel.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type EditorContext = StandardEditorContext<any>;

interface Item {
  id: string;
  path: string;
  name: string;
  description?: string;
  category?: string[];
  defaultValue?: unknown;
  showIf?: (value: never, data?: DataFrame[]) => boolean | undefined;
  editor: ComponentType<never>;
}

/** All options of a panel type and its fields by group, as declared by the panel plugin. */
export function OptionList({ panel, plugin, data, onChange, replaceVariables }: Props) {
  // The options the panel is rendered with: its own ones override those of its type.
  const options = useMemo(() => ({ ...merge({}, plugin.defaults, panel.options) }) as object, [plugin, panel.options]);
  const fieldConfig = panel.fieldConfig as FieldConfigSource | undefined;
  const context: EditorContext = useMemo(() => ({ data, options, replaceVariables }), [data, options, replaceVariables]);
  const own = useMemo(() => panelItems(plugin, context), [plugin, context]);
  const fields = useMemo(() => plugin.fieldConfigRegistry.list().filter((item) => !item.hideFromDefaults) as unknown as Item[], [plugin]);
  const setOption = (item: Item, value: unknown) => onChange({ ...panel, options: setPath(cloneDeep(panel.options ?? {}), item.path, value) as never });
  const setField = (item: Item & { isCustom?: boolean }, value: unknown) => {
    const defaults = cloneDeep(fieldConfig?.defaults ?? {});
    const path = item.isCustom ? `custom.${item.path}` : item.path;
    value === undefined ? unset(defaults, path) : setPath(defaults, path, value);
    onChange({ ...panel, fieldConfig: { ...fieldConfig, defaults, overrides: fieldConfig?.overrides ?? [] } as never });
  };
  return (
    <>
      {groups(own, plugin.meta.name).map(([name, items]) => (
        <Group key={`panel-${name}`} name={name} open={name === plugin.meta.name || name === 'Legend'}>
          {items
            .filter((item) => item.showIf?.(options as never, data) ?? true)
            .map((item) => (
              <Option
                key={item.id}
                item={item}
                value={get(options, item.path) ?? item.defaultValue}
                onChange={(value) => setOption(item, value)}
                context={context}
              />
            ))}
        </Group>
      ))}
      {groups(fields, 'Fields').map(([name, items]) => (
        <Group key={`field-${name}`} name={name} open={name === 'Standard options'}>
          {items.map((item) => {
            const path = (item as { isCustom?: boolean }).isCustom ? `custom.${item.path}` : item.path;
            const value = get(fieldConfig?.defaults, path) ?? item.defaultValue;
            const shown =
              item.showIf?.(((item as { isCustom?: boolean }).isCustom ? (fieldConfig?.defaults.custom ?? {}) : fieldConfig?.defaults) as never, data) ?? true;
            return shown ? (
              <Option key={item.id} item={item} value={value} onChange={(next) => !isEqual(next, value) && setField(item, next)} context={context} />
            ) : null;
          })}
        </Group>
      ))}
    </>
  );
}

/** Options are declared by a function that may inspect the data. */
function panelItems(plugin: PanelPlugin, context: EditorContext): Item[] {
  const builder = new PanelOptionsEditorBuilder<EditorContext['options']>();
  plugin.getPanelOptionsSupplier()(builder, context);
  return builder.getItems() as unknown as Item[];
}

function groups(items: Item[], fallback: string): Array<[string, Item[]]> {
  const found = new Map<string, Item[]>();
  for (const item of items) {
    const name = item.category?.[0] ?? fallback;
    found.set(name, [...(found.get(name) ?? []), item]);
  }
  return [...found];
}

function Group({ name, open, children }: { name: string; open: boolean; children: React.ReactNode }) {
  return (
    <ControlledCollapse label={name} isOpen={open}>
      {children}
    </ControlledCollapse>
  );
}

function Option({ item, value, onChange, context }: { item: Item; value: unknown; onChange: (value: unknown) => void; context: unknown }) {
  const Editor = item.editor as ComponentType<object>;
  const id = `option-${item.id}`;
  return (
    <Field label={item.name} description={item.description} htmlFor={id} data-testid={id}>
      <Editor {...{ value, onChange, item, context, id }} />
    </Field>
  );
}
