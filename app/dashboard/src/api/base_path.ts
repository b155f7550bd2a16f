/** The path under which a proxy serves the dashboard, without a final slash; '' at the root. */
export const basePath: string = import.meta.env.DEV
  ? ''
  : new URL(/* @vite-ignore */ '..', import.meta.url).pathname.replace(/\/$/, '');
