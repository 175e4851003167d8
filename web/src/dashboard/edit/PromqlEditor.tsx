import { css } from '@emotion/css';
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, defaultHighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { EditorState, Prec } from '@codemirror/state';
import { EditorView, keymap, placeholder } from '@codemirror/view';
import { config } from '@grafana/runtime';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import { useEffect, useRef } from 'react';

import { address } from '../../runtime/backendSrv';
import { editorTheme, highlighting } from './editorTheme';

interface Props {
  value: string;
  /** Address of the data source's proxy, for metric and label names; without it nothing is completed. */
  url?: string;
  onChange: (value: string) => void;
  /** Shift+Enter, Ctrl+Enter and leaving the field. */
  onRun: () => void;
}

/** An editor for PromQL with completion from the data source itself. */
export function PromqlEditor({ value, url, onChange, onRun }: Props) {
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const latest = useRef({ onChange, onRun });
  latest.current = { onChange, onRun };
  useEffect(() => {
    const promql = new PromQLExtension().activateLinter(false);
    if (url) {
      promql.setComplete({ remote: { url: address(url), httpMethod: 'GET' } });
    }
    const run = () => {
      latest.current.onRun();
      return true;
    };
    view.current = new EditorView({
      parent: parent.current!,
      state: EditorState.create({
        doc: value,
        extensions: [
          history(), bracketMatching(), closeBrackets(), autocompletion(), promql.asExtension(), EditorView.lineWrapping,
          syntaxHighlighting(highlighting(config.theme2)), syntaxHighlighting(defaultHighlightStyle, { fallback: true }), editorTheme(config.theme2),
          Prec.highest(keymap.of([{ key: 'Shift-Enter', run }, { key: 'Mod-Enter', run }])),
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap]),
          placeholder('PromQL, such as rate(http_requests_total[$__rate_interval])'),
          EditorView.contentAttributes.of({ 'aria-label': 'PromQL query' }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) {
              latest.current.onChange(update.state.doc.toString());
            }
            if (update.focusChanged && !update.view.hasFocus) {
              latest.current.onRun();
            }
          }),
        ],
      }),
    });
    return () => view.current?.destroy();
  }, [url]);
  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== value) {
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
    }
  }, [value]);
  return <div ref={parent} className={css({ '.cm-editor': { minHeight: 34 }, '.cm-scroller': { maxHeight: 200, overflow: 'auto' } })} />;
}
