export const tabs = [
  { to: '/targets', text: 'Targets' },
  { to: '/targets/containers', text: 'Containers' },
  { to: '/targets/probes', text: 'Probes' },
  { to: '/targets/heartbeats', text: 'Heartbeats' },
  { to: '/targets/dropped', text: 'Dropped' },
] as const;
