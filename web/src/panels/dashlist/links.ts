import type { InterpolateFunction } from '@grafana/data';

/** The address of a dashboard, with the time range and the variables of this one when the options say so. */
export function dashboardUrl(url: string, options: { keepTime: boolean; includeVars: boolean }, replaceVariables: InterpolateFunction): string {
  const params = [...(options.keepTime ? [replaceVariables('$__url_time_range')] : []), ...(options.includeVars ? [replaceVariables('$__all_variables')] : [])]
    // What nobody replaced is no parameter.
    .filter((text) => text !== '' && !text.startsWith('$'))
    .map((text) => text.replace(/^[?&]/, ''));
  return params.length === 0 ? url : `${url}${url.includes('?') ? '&' : '?'}${params.join('&')}`;
}
