/** What the user may do, as the API says it with the projects. */
import type { Family, Project } from './projects';
import type { components } from './schema';

export type Right = components['schemas']['Right'];

export interface ProjectList {
  /** Declared projects, then those of families that have runs. */
  readonly projects: readonly Project[];
  readonly families: readonly Family[];
  /** For all of Solorun. */
  readonly rights: readonly Right[];
  /** By project, for projects that have runs but are no longer declared. */
  readonly undeclared: Readonly<Record<string, readonly Right[]>>;
  /** Whether other processes may execute runs too. */
  readonly isShared: boolean;
}

/** The rights for each project and each pattern, and for all of Solorun. Without an answer of the API, there are none. */
export class Rights {
  private readonly named: ReadonlyMap<string, readonly Right[]>;
  private readonly everywhere: readonly Right[];
  /** The declared projects and patterns of which the user may start runs. */
  readonly startable: readonly string[];

  constructor({ projects, families, rights, undeclared }: Omit<ProjectList, 'isShared'>) {
    const declared = [
      ...projects.map((project) => [project.name, project.rights] as const),
      ...families.map((family) => [family.pattern, family.rights] as const),
    ];
    this.named = new Map([...Object.entries(undeclared), ...declared]);
    this.everywhere = rights;
    this.startable = declared.filter(([, own]) => own.includes('start')).map(([name]) => name);
  }

  /** Whether the user may do this with a project or a pattern, or with all of Solorun if there is no name. */
  allow(right: Right, name?: string): boolean {
    return (name === undefined ? this.everywhere : (this.named.get(name) ?? [])).includes(right);
  }
}

export const NO_RIGHTS = new Rights({ projects: [], families: [], rights: [], undeclared: {} });
