import { PromQLExtension } from '@prometheus-io/codemirror-promql';

import { address } from '../../runtime/backendSrv';
import { QueryEditor, type QueryEditorProps } from './QueryEditor';

interface Props extends QueryEditorProps {
  /** URL of the data source proxy, for metric and label names; without it there is no completion. */
  url?: string;
}

/** A PromQL editor with completion based on the data source, which highlights syntax errors. */
export function PromqlEditor({ url, ...props }: Props) {
  const language = () => {
    const promql = new PromQLExtension();
    const check = promql.getLinter().promQL();
    // Dashboard variables are not valid PromQL until they are interpolated.
    promql.setLinter({ promQL: () => (view) => (view.state.doc.toString().includes('$') ? [] : check(view)) });
    if (url) {
      promql.setComplete({ remote: { url: address(url), httpMethod: 'GET' } });
    }
    return promql.asExtension();
  };
  return <QueryEditor {...props} of={url} language={language} label="PromQL query" hint="PromQL, such as rate(http_requests_total[$__rate_interval])" />;
}
