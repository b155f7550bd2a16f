/** Builders for records and runs, and a fake log service. */
import type { Attempt, LogPage, LogRecord, Run, RunStep } from '../api/mapping';
import { type Filters, passes } from './filters';
import { LogModel } from './log_model';
import type { LogQuery, ReadLog } from './log_query';

export function aRecord(seq: number, changes: Partial<LogRecord> = {}): LogRecord {
  return {
    seq,
    time: '2026-03-01T12:00:00.000Z',
    level: 'info',
    step: 'translate',
    stream: 'stdout',
    message: `line ${seq}`,
    event: null,
    data: null,
    partial: false,
    ...changes,
  };
}

export const someRecords = (
  from: number,
  upTo: number,
  changes: (seq: number) => Partial<LogRecord> = () => ({}),
): LogRecord[] => Array.from({ length: upTo - from + 1 }, (_, i) => aRecord(from + i, changes(from + i)));

export const aRunStep = (changes: Partial<RunStep> = {}): RunStep => ({
  name: 'translate',
  status: 'pending',
  startedAt: null,
  finishedAt: null,
  exitCode: null,
  errorMessage: null,
  firstSeq: null,
  lastSeq: null,
  resources: {},
  slots: {},
  maxAttempts: 1,
  attempts: [],
  nextAttemptAt: null,
  ...changes,
});

export const anAttempt = (changes: Partial<Attempt> = {}): Attempt => ({
  number: 1,
  status: 'failed',
  startedAt: 0,
  finishedAt: null,
  exitCode: null,
  errorMessage: null,
  firstSeq: null,
  lastSeq: null,
  ...changes,
});

export function aRun(changes: Partial<Run> = {}): Run {
  return {
    id: 7,
    project: 'novel',
    scope: 'full',
    status: 'running',
    triggeredBy: 'api',
    params: {},
    createdAt: 0,
    startedAt: 0,
    finishedAt: null,
    cancelRequestedAt: null,
    cancelRequestedBy: null,
    cancelReason: null,
    cancel: null,
    errorMessage: null,
    currentStep: 'translate',
    progressCurrent: null,
    progressTotal: null,
    progressItem: null,
    lastSeq: 0,
    levelCounts: { debug: 0, info: 0, warning: 0, error: 0 },
    firstErrorSeq: null,
    rerunOf: null,
    steps: [],
    slots: {},
    replaces: null,
    queuePosition: null,
    queueDeadline: null,
    waitsFor: [],
    estimatedStartAt: null,
    pinned: false,
    worker: null,
    labels: ['default'],
    refusals: [],
    ...changes,
  };
}

const aroundOf = (records: readonly LogRecord[], match: LogRecord | undefined, count: number): LogRecord[] =>
  match && count ? records.filter(({ seq }) => Math.abs(seq - match.seq) <= count) : [];

/** Responds as the service does, and records the requests. */
export function aLogService(records: readonly LogRecord[], pageLimit = 1000): { read: ReadLog; requests: LogQuery[] } {
  const requests: LogQuery[] = [];
  const read = (query: LogQuery): Promise<LogPage> => {
    requests.push(query);
    const { step = null, level = null, stream = null } = query;
    const filters = { step, level, stream } as Filters;
    const all = records.filter(
      (record) =>
        passes(record, filters) &&
        record.message.includes(query.q ?? '') &&
        (!query.event || (record.event !== null && query.event.includes(record.event))),
    );
    const { scan = Infinity } = query;
    const inBounds = ({ seq }: LogRecord): boolean => seq > (query.after ?? 0) && seq < (query.before ?? Infinity);
    const bounded = records.filter(inBounds);
    const scanned = query.after === undefined ? bounded.slice(-scan) : bounded.slice(0, scan);
    const isBounded = scanned.length < bounded.length;
    const [low, high] = [scanned[0]?.seq ?? 0, scanned[scanned.length - 1]?.seq ?? 0];
    const within = all.filter(({ seq }) => low <= seq && seq <= high);
    const limit = Math.min(query.limit ?? 1000, pageLimit);
    const page = query.after === undefined ? within.slice(-limit) : within.slice(0, limit);
    const isCut = page.length < within.length;
    const [first, last] = [page[0]?.seq ?? 0, page[page.length - 1]?.seq ?? 0];
    const next = isCut ? [first, last] : isBounded ? [low, high] : [null, null];
    return Promise.resolve({
      records: page,
      totalMatches: query.scan === undefined ? all.length : page.length,
      moreBefore: all.some((record) => record.seq < first),
      moreAfter: all.some((record) => record.seq > last),
      next: next[query.after === undefined ? 0 : 1]!,
      context: aroundOf(records, page[query.after === undefined ? page.length - 1 : 0], query.context ?? 0),
    });
  };
  return { read, requests };
}

export const NO_FILTERS: Filters = { step: null, level: null, stream: null, text: null };

/** An open log, and the requests that it makes. */
export function openedLog(records = someRecords(1, 5000), run = aRun({ lastSeq: 5000 }), filters = NO_FILTERS) {
  const service = aLogService(records);
  const model = new LogModel(service.read);
  model.open(run, filters);
  return { model, ...service };
}

export const seqsOf = (model: LogModel, from: number, count: number): (number | undefined)[] =>
  model.rows(from, count).map((row) => row?.seq);
