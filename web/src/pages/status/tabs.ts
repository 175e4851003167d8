import { bootData } from '../../boot/bootData';

export function statusTabs() {
  const all = [{ to: '/admin/status', text: 'Status' }, { to: '/admin/series', text: 'Series' }, { to: '/admin/configuration', text: 'Configuration' }];
  return bootData.user.orgRole === 'Admin' ? [...all, { to: '/admin/queries', text: 'Query log' }] : all;
}
