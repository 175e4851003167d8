import { PanelPlugin } from '@grafana/data';
import type { CodeLanguage, Options, TextMode } from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';

import { TextPanel } from './TextPanel';

const category = ['Text'];
const languages = ['plaintext', 'json', 'yaml', 'xml', 'typescript', 'sql', 'go', 'markdown', 'html'];

export const plugin = new PanelPlugin<Options>(TextPanel).setPanelOptions((builder) => {
  builder
    .addRadio({
      path: 'mode',
      name: 'Mode',
      category,
      defaultValue: 'markdown' as TextMode,
      settings: {
        options: [
          { value: 'markdown' as TextMode, label: 'Markdown' },
          { value: 'html' as TextMode, label: 'HTML' },
          { value: 'code' as TextMode, label: 'Code' },
        ],
      },
    })
    .addSelect({
      path: 'code.language',
      name: 'Language',
      category,
      defaultValue: 'plaintext' as CodeLanguage,
      settings: { options: languages.map((value) => ({ value: value as CodeLanguage, label: value })) },
      showIf: (options) => options.mode === 'code',
    })
    .addBooleanSwitch({ path: 'code.showLineNumbers', name: 'Show line numbers', category, defaultValue: false, showIf: (options) => options.mode === 'code' })
    .addTextInput({
      path: 'content',
      name: 'Content',
      category,
      defaultValue: '# Title\n\nText in Markdown.',
      settings: { useTextarea: true, rows: 12 },
    });
});
