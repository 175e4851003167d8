import { css } from '@emotion/css';
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, defaultHighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { EditorState, Prec, type Extension } from '@codemirror/state';
import { EditorView, keymap, placeholder } from '@codemirror/view';
import { config } from '@grafana/runtime';
import { useEffect, useRef } from 'react';

import { useLatest } from '../../runtime/hooks';
import { editorTheme, highlighting } from './editorTheme';

export interface QueryEditorProps {
  value: string;
  onChange: (value: string) => void;
  /** Called for Shift+Enter, Ctrl+Enter and when the field loses focus; asked is false in the last case. */
  onRun: (asked: boolean) => void;
}

interface Props extends QueryEditorProps {
  label: string;
  hint: string;
  /** The language with its completion; recreated when `of` changes. */
  language: () => Extension;
  of: string | undefined;
}

/** An editor for a query expression. */
export function QueryEditor({ value, onChange, onRun, label, hint, language, of }: Props) {
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const latest = useLatest({ value, onChange, onRun, label, hint, language });
  useEffect(() => {
    const run = () => {
      latest().onRun(true);
      return true;
    };
    view.current = new EditorView({
      parent: parent.current!,
      state: EditorState.create({
        doc: latest().value,
        extensions: [
          history(),
          bracketMatching(),
          closeBrackets(),
          autocompletion(),
          latest().language(),
          EditorView.lineWrapping,
          syntaxHighlighting(highlighting(config.theme2)),
          syntaxHighlighting(defaultHighlightStyle, { fallback: true }),
          editorTheme(config.theme2),
          Prec.highest(
            keymap.of([
              { key: 'Shift-Enter', run },
              { key: 'Mod-Enter', run },
            ])
          ),
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap]),
          placeholder(latest().hint),
          EditorView.contentAttributes.of({ 'aria-label': latest().label }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) {
              latest().onChange(update.state.doc.toString());
            }
            if (update.focusChanged && !update.view.hasFocus) {
              latest().onRun(false);
            }
          }),
        ],
      }),
    });
    return () => view.current?.destroy();
  }, [of, latest]);
  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== value) {
      editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
    }
  }, [value]);
  return <div ref={parent} className={css({ '.cm-editor': { minHeight: 34 }, '.cm-scroller': { maxHeight: 200, overflow: 'auto' } })} />;
}
