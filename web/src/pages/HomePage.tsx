import { locationService } from '@grafana/runtime';
import { useSearchParams } from 'react-router-dom';

import { dashboards } from '../api/dashboards';
import { sceneOf } from '../dashboard/load';
import { LoadedDashboard } from './DashboardPage';
import { Now } from './home/Now';

/** Current problems, and below them the home dashboard: the user's choice or the built-in Overview. */
export default function HomePage() {
  const [params] = useSearchParams();
  const alone = ['kiosk', 'viewPanel', 'editPanel'].some((name) => params.has(name));
  return (
    <>
      {!alone && <Now />}
      <LoadedDashboard load={load} />
    </>
  );
}

async function load() {
  const answer = await dashboards.shownAtHome();
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
