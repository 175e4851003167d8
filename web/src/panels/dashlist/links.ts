import type { InterpolateFunction } from '@grafana/data';

/** The URL of a dashboard, with this dashboard's time range and variables if the options say so. */
export function dashboardUrl(url: string, options: { keepTime: boolean; includeVars: boolean }, replaceVariables: InterpolateFunction): string {
  const params = [...(options.keepTime ? [replaceVariables('$__url_time_range')] : []), ...(options.includeVars ? [replaceVariables('$__all_variables')] : [])]
    // A placeholder that was not replaced is not a parameter.
    .filter((text) => text !== '' && !text.startsWith('$'))
    .map((text) => text.replace(/^[?&]/, ''));
  return params.length === 0 ? url : `${url}${url.includes('?') ? '&' : '?'}${params.join('&')}`;
}
