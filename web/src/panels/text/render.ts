import { renderTextPanelMarkdown, textUtil, type InterpolateFunction } from '@grafana/data';
import type { Options } from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';

/** What a text panel shows: code as text, everything else as safe HTML. */
export type Rendered = { kind: 'code'; text: string } | { kind: 'html'; html: string };

/** Interpolates variables, then converts the result to HTML without scripts, event handlers and dangerous links. */
export function renderText(options: Options, replaceVariables: InterpolateFunction): Rendered {
  const content = typeof options.content === 'string' ? options.content : '';
  if (options.mode === 'code') {
    return { kind: 'code', text: replaceVariables(content, {}, options.code?.language === 'json' ? 'json' : 'raw') };
  }
  const interpolated = replaceVariables(content, {}, 'html');
  const html = options.mode === 'html' ? textUtil.sanitizeTextPanelContent(interpolated) : renderTextPanelMarkdown(interpolated);
  return { kind: 'html', html };
}
