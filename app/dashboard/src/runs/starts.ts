/** How a run was started: by whom, and with which steps. */

const TRIGGERS: Readonly<Record<string, string>> = {
  dashboard: 'Dashboard',
  cli: 'CLI',
  api: 'API',
  schedule: 'Schedule',
};

/** `CLI`, `API`, or the name that a caller gave. */
export const formatTrigger = (triggeredBy: string): string => TRIGGERS[triggeredBy] ?? triggeredBy;

export function formatScope(scope: string): string {
  if (scope === 'full') return 'All steps';
  return scope.startsWith('from:') ? `From ${scope.slice(5)} onwards` : `Only ${scope}`;
}
