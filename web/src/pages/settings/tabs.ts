import { may } from '../../boot/role';

/** The settings pages available to the user. */
export function settingsTabs() {
  const own = [{ to: '/settings', text: 'You' }];
  return may('Admin')
    ? [...own, { to: '/settings/datasources', text: 'Data sources' }, { to: '/settings/users', text: 'Users' }, { to: '/settings/tokens', text: 'Tokens' }]
    : own;
}
