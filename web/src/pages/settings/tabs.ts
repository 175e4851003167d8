import { bootData } from '../../boot/bootData';

/** What a user may set. */
export function settingsTabs() {
  const own = [{ to: '/settings', text: 'You' }];
  return bootData.user.orgRole === 'Admin' ? [...own, { to: '/settings/users', text: 'Users' }, { to: '/settings/tokens', text: 'Tokens' }] : own;
}
