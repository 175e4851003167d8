import { bootData, type BootUser } from './bootData';

type Role = BootUser['orgRole'];

const ranks: Role[] = ['Viewer', 'Editor', 'Admin'];

/** Whether the current user has the role. The server decides; the page only hides what the server would reject. */
export function may(role: Role): boolean {
  return ranks.indexOf(bootData.user.orgRole) >= ranks.indexOf(role);
}
