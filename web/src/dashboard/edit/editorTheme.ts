import { HighlightStyle } from '@codemirror/language';
import { EditorView } from '@codemirror/view';
import type { GrafanaTheme2 } from '@grafana/data';
import { tags } from '@lezer/highlight';

/** CodeMirror theme with the colors of the page. */
export function editorTheme(theme: GrafanaTheme2) {
  return EditorView.theme(
    {
      '&': {
        backgroundColor: theme.components.input.background,
        color: theme.colors.text.primary,
        fontSize: '13px',
        border: `1px solid ${theme.components.input.borderColor}`,
        borderRadius: theme.shape.radius.default,
      },
      '&.cm-focused': { outline: `2px solid ${theme.colors.primary.main}`, outlineOffset: '-1px' },
      '.cm-content': { fontFamily: theme.typography.fontFamilyMonospace, caretColor: theme.colors.text.primary },
      '.cm-cursor': { borderLeftColor: theme.colors.text.primary },
      '.cm-gutters': { backgroundColor: theme.colors.background.secondary, color: theme.colors.text.secondary, border: 'none' },
      '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: theme.colors.action.selected },
      '.cm-tooltip': { backgroundColor: theme.colors.background.elevated, color: theme.colors.text.primary, border: `1px solid ${theme.colors.border.medium}` },
      '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: theme.colors.action.selected, color: theme.colors.text.primary },
      '.cm-panels': { backgroundColor: theme.colors.background.secondary, color: theme.colors.text.primary },
    },
    { dark: theme.isDark }
  );
}

export function highlighting(theme: GrafanaTheme2): HighlightStyle {
  const color = (name: string) => theme.visualization.getColorByName(name);
  return HighlightStyle.define([
    { tag: [tags.propertyName, tags.labelName], color: color(theme.isDark ? 'light-blue' : 'dark-blue') },
    { tag: [tags.string], color: color(theme.isDark ? 'light-green' : 'dark-green') },
    { tag: [tags.number, tags.bool, tags.null], color: color(theme.isDark ? 'light-orange' : 'dark-orange') },
    { tag: [tags.keyword, tags.function(tags.variableName), tags.modifier], color: color(theme.isDark ? 'light-purple' : 'dark-purple') },
    { tag: tags.comment, color: theme.colors.text.secondary },
  ]);
}
