import { matchersIn } from '../../../datasources/loki/selectors';
import { paramsOf, type QueryState } from '../../../links/explore';
import { shared } from '../../../links/related';

export function metricsPath(expr: string, range: QueryState): string {
  const { range_input = '1h', end_input = '' } = range;
  return `/explore?${paramsOf([{ expr, tab: '0', range_input, end_input }]).toString()}`;
}

/** A useful metric query about the source of some logs, for when there is no expression to return to. */
export function metricsOf(selector: string): string | undefined {
  const matchers = matchersIn(selector).filter(
    ({ name, operator }) => operator.startsWith('=') && shared.includes(name) && name !== 'filename' && name !== 'service_name'
  );
  if (matchers.length === 0) {
    return undefined;
  }
  const containers = matchers
    .filter(({ name }) => name === 'container')
    .map(({ operator, value }) => ` or container_memory_working_set_bytes{name${operator}${value}}`);
  return `{__name__=~"up|process_resident_memory_bytes", ${matchers.map(({ name, operator, value }) => `${name}${operator}${value}`).join(', ')}}${containers.join('')}`;
}
