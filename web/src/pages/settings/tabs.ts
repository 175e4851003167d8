import { may } from '../../boot/role';

/** What a user may set. */
export function settingsTabs() {
  const own = [{ to: '/settings', text: 'You' }];
  return may('Admin')
    ? [...own, { to: '/settings/datasources', text: 'Data sources' }, { to: '/settings/users', text: 'Users' }, { to: '/settings/tokens', text: 'Tokens' }]
    : own;
}
