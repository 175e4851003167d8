import type { Dashboard } from '@grafana/schema';

export interface Visit {
  uid: string;
  title: string;
}

const key = 'ausguck.recent';

/** The dashboards recently viewed in this browser, newest first. */
export function recentVisits(): Visit[] {
  try {
    const list = JSON.parse(localStorage.getItem(key) ?? '[]') as Visit[];
    return Array.isArray(list) ? list.filter((v) => typeof v?.uid === 'string') : [];
  } catch {
    return [];
  }
}

export function rememberVisit(model: Dashboard) {
  if (model.uid) {
    const visit = { uid: model.uid, title: model.title ?? '' };
    localStorage.setItem(key, JSON.stringify([visit, ...recentVisits().filter((v) => v.uid !== visit.uid)].slice(0, 20)));
  }
}
