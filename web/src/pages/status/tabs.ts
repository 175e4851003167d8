import { may } from '../../boot/role';

export function statusTabs() {
  const all = [
    { to: '/admin/status', text: 'Status' },
    { to: '/admin/series', text: 'Series' },
    { to: '/admin/configuration', text: 'Configuration' },
  ];
  return may('Admin') ? [...all, { to: '/admin/queries', text: 'Query log' }] : all;
}
