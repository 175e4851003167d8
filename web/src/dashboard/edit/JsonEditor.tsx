import { css } from '@emotion/css';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { json, jsonParseLinter } from '@codemirror/lang-json';
import { bracketMatching, defaultHighlightStyle, foldGutter, foldKeymap, syntaxHighlighting } from '@codemirror/language';
import { linter, lintGutter } from '@codemirror/lint';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { EditorState } from '@codemirror/state';
import { drawSelection, EditorView, keymap, lineNumbers } from '@codemirror/view';
import { config } from '@grafana/runtime';
import { useEffect, useRef } from 'react';

import { useLatest } from '../../runtime/hooks';
import { editorTheme, highlighting } from './editorTheme';

interface Props {
  value: string;
  onChange?: (value: string) => void;
  readOnly?: boolean;
  height?: string;
}

/** A JSON editor that highlights the position of an error. */
export function JsonEditor({ value, onChange, readOnly = false, height = '65vh' }: Props) {
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const latest = useLatest({ value, onChange });
  useEffect(() => {
    view.current = new EditorView({
      parent: parent.current!,
      state: EditorState.create({
        doc: latest().value,
        extensions: [
          lineNumbers(),
          foldGutter(),
          history(),
          drawSelection(),
          bracketMatching(),
          highlightSelectionMatches(),
          json(),
          syntaxHighlighting(highlighting(config.theme2)),
          syntaxHighlighting(defaultHighlightStyle, { fallback: true }),
          editorTheme(config.theme2),
          keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap, ...foldKeymap, indentWithTab]),
          EditorState.readOnly.of(readOnly),
          ...(readOnly ? [] : [linter(jsonParseLinter()), lintGutter()]),
          EditorView.contentAttributes.of({ 'aria-label': 'JSON' }),
          EditorView.updateListener.of((update) => update.docChanged && latest().onChange?.(update.state.doc.toString())),
        ],
      }),
    });
    return () => view.current?.destroy();
  }, [readOnly, latest]);
  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== value) {
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
    }
  }, [value]);
  return <div ref={parent} className={css({ height, overflow: 'hidden', '.cm-editor': { height: '100%' } })} />;
}
