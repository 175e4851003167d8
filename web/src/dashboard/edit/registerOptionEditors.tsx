import { standardEditorsRegistry, type StandardEditorProps, type StandardEditorsRegistryItem } from '@grafana/data';
import { lazy, Suspense, type ComponentType } from 'react';

import type { EditorId } from './optionEditors';

/** All kinds of option editors that panel plugins can use. */
const ids: EditorId[] = [
  'number',
  'slider',
  'text',
  'strings',
  'select',
  'multi-select',
  'radio',
  'boolean',
  'color',
  'timezone',
  'unit',
  'field-name',
  'dashboard-uid',
  'stats-picker',
  'thresholds',
  'fieldColor',
  'json',
];

/** The editors' code is loaded when the first one is shown: most users only view dashboards. */
// Each editor has its own types of value and settings.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export function editorOf(id: EditorId): ComponentType<StandardEditorProps<any, any>> {
  const Editor = lazy(async () => ({ default: (await import('./optionEditors')).editors[id] }));
  return function OptionEditor(props) {
    return (
      <Suspense fallback={null}>
        <Editor {...props} />
      </Suspense>
    );
  };
}

export function registerOptionEditors() {
  standardEditorsRegistry.setInit(() => ids.map((id): StandardEditorsRegistryItem => ({ id, name: id, editor: editorOf(id) })));
}
