import { locationService } from '@grafana/runtime';


import { dashboards } from '../api/dashboards';
import { sceneOf } from '../dashboard/load';
import { LoadedDashboard } from './DashboardPage';

/** The home dashboard: the one that the user chose, or the built-in Overview. */
export default function HomePage() {
  return <LoadedDashboard load={load} />;
}

async function load() {
  const answer = await dashboards.home();
  if ('redirectUri' in answer) {
    const uid = /^\/d\/([^/?]+)/.exec(answer.redirectUri)?.[1];
    if (!uid) {
      locationService.replace('/dashboards');
      throw new Error('there is no home dashboard');
    }
    const { dashboard, meta } = await dashboards.get(decodeURIComponent(uid));
    return sceneOf(dashboard, meta);
  }
  return sceneOf(answer.dashboard, answer.meta);
}

