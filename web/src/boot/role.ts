import { bootData, type BootUser } from './bootData';

type Role = BootUser['orgRole'];

const ranks: Role[] = ['Viewer', 'Editor', 'Admin'];

/** Whether who looks may do what needs a role. The server decides; the page only leaves out what it would refuse. */
export function may(role: Role): boolean {
  return ranks.indexOf(bootData.user.orgRole) >= ranks.indexOf(role);
}
