import type { IconName } from '@grafana/ui';

import type { BootUser } from '../boot/bootData';

interface Page {
  to: string;
  text: string;
  icon: IconName;
  /** The minimum role required to see it. */
  role?: BootUser['orgRole'];
}

/** All pages with their own URL, for the command palette; pages.test.ts compares them with the routes. */
export const pages: Page[] = [
  { to: '/', text: 'Home', icon: 'home-alt' },
  { to: '/dashboards', text: 'Dashboards', icon: 'apps' },
  { to: '/dashboards?starred=true', text: 'Starred dashboards', icon: 'star' },
  { to: '/dashboard/new', text: 'New dashboard', icon: 'plus', role: 'Editor' },
  { to: '/dashboard/import', text: 'Import a dashboard', icon: 'import', role: 'Editor' },
  { to: '/explore', text: 'Explore', icon: 'compass' },
  { to: '/alerts', text: 'Alerts', icon: 'bell' },
  { to: '/alerts/rules', text: 'Alerting: rules', icon: 'bell' },
  { to: '/alerts/silences', text: 'Alerting: silences', icon: 'bell' },
  { to: '/alerts/silences/new', text: 'New silence', icon: 'bell', role: 'Editor' },
  { to: '/alerts/status-pages', text: 'Alerting: status pages', icon: 'bell' },
  { to: '/alerts/notifications', text: 'Alerting: notifications', icon: 'bell' },
  { to: '/alerts/receivers', text: 'Alerting: receivers and routes', icon: 'bell' },
  { to: '/targets', text: 'Targets', icon: 'monitor' },
  { to: '/targets/containers', text: 'Targets: containers', icon: 'monitor' },
  { to: '/targets/probes', text: 'Targets: probes', icon: 'monitor' },
  { to: '/targets/heartbeats', text: 'Targets: heartbeats', icon: 'monitor' },
  { to: '/targets/dropped', text: 'Targets: dropped', icon: 'monitor' },
  { to: '/admin/status', text: 'Status', icon: 'shield' },
  { to: '/admin/configuration', text: 'Status: configuration', icon: 'shield' },
  { to: '/admin/series', text: 'Status: series', icon: 'shield' },
  { to: '/admin/queries', text: 'Status: query log', icon: 'shield', role: 'Admin' },
  { to: '/profile', text: 'Profile', icon: 'user' },
  { to: '/settings/datasources', text: 'Settings: data sources', icon: 'cog', role: 'Admin' },
  { to: '/settings/users', text: 'Settings: users', icon: 'cog', role: 'Admin' },
  { to: '/settings/tokens', text: 'Settings: tokens', icon: 'cog', role: 'Admin' },
];
