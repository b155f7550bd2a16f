/** Stand-in until the service's own /openapi.json is read. */
export interface components {
  schemas: {
    LevelCounts: { debug: number; info: number; warning: number; error: number };
    RunStep: {
      name: string; status: string; started_at: string | null; finished_at: string | null;
      exit_code: number | null; error_message: string | null; first_seq: number | null; last_seq: number | null;
    };
    Run: {
      id: number; project: string; scope: string; status: string; triggered_by: string; params: Record<string, string>;
      created_at: string; started_at: string | null; finished_at: string | null;
      cancel_requested_at: string | null; cancel_requested_by: string | null; cancel_reason: string | null;
      error_message: string | null; current_step: string | null;
      progress_current: number | null; progress_total: number | null; progress_item: string | null;
      last_seq: number; level_counts: components['schemas']['LevelCounts']; first_error_seq: number | null;
      steps: components['schemas']['RunStep'][];
    };
    Record: {
      seq: number; time: string; level: string; step: string | null; stream: string; message: string;
      event?: string; data?: Record<string, unknown>; partial?: boolean;
    };
    LogPage: { records: components['schemas']['Record'][]; matches: number; more_before: boolean; more_after: boolean };
    StepSummary: { name: string; kind: string };
    ProjectSummary: {
      name: string; title: string; steps: components['schemas']['StepSummary'][]; scopes: string[]; params: string[];
      current_run: components['schemas']['Run'] | null; last_run: components['schemas']['Run'] | null;
    };
    FamilySummary: {
      pattern: string; title: string; steps: components['schemas']['StepSummary'][]; scopes: string[]; params: string[];
      projects: string[];
    };
    ProjectList: { projects: components['schemas']['ProjectSummary'][]; families: components['schemas']['FamilySummary'][] };
    RunPage: { runs: components['schemas']['Run'][]; next_cursor: string | null };
    Artifact: { name: string; size_bytes: number; media_type: string; created_at: string };
    ArtifactList: { artifacts: components['schemas']['Artifact'][] };
    ProblemDetails: {
      type: string; title: string; status: number; detail: string; instance?: string | null;
      errors?: { pointer: string; message: string }[]; active_run?: components['schemas']['Run'] | null;
      run?: components['schemas']['Run'] | null;
    };
  };
}
