import { PromQLExtension } from '@prometheus-io/codemirror-promql';

import { address } from '../../runtime/backendSrv';
import { QueryEditor, type QueryEditorProps } from './QueryEditor';

interface Props extends QueryEditorProps {
  /** Address of the data source's proxy, for metric and label names; without it nothing is completed. */
  url?: string;
}

/** An editor for PromQL with completion from the data source itself, which marks what cannot be read. */
export function PromqlEditor({ url, ...props }: Props) {
  const language = () => {
    const promql = new PromQLExtension();
    const check = promql.getLinter().promQL();
    // Variables of dashboards are not PromQL before they are filled in.
    promql.setLinter({ promQL: () => (view) => (view.state.doc.toString().includes('$') ? [] : check(view)) });
    if (url) {
      promql.setComplete({ remote: { url: address(url), httpMethod: 'GET' } });
    }
    return promql.asExtension();
  };
  return <QueryEditor {...props} of={url} language={language} label="PromQL query" hint="PromQL, such as rate(http_requests_total[$__rate_interval])" />;
}
