/** The text of a search, as the address names it. */
import { router } from '../state/router.svelte';
import { type SearchOptions, TextFinder, loadRegex, parseOptions } from './finding';

export class SearchText {
  readonly q = $derived(router.query.get('q') ?? '');
  private readonly isRegex = $derived(router.query.has('regex'));
  private readonly options = $derived(JSON.stringify(parseOptions(router.query)));
  private canMatchRegex = $state(false);
  private readonly found = $derived.by((): TextFinder | null | 'invalid' => {
    if (this.q === '' || (this.isRegex && !this.canMatchRegex)) return null;
    try {
      return new TextFinder(this.q, JSON.parse(this.options) as SearchOptions);
    } catch {
      return 'invalid';
    }
  });
  readonly isInvalid = $derived(this.found === 'invalid');
  /** Null while nothing is searched, or while it cannot be. The same object until the search changes. */
  readonly finder = $derived(this.found === 'invalid' ? null : this.found);

  constructor() {
    $effect(() => {
      if (this.isRegex) void loadRegex().then(() => (this.canMatchRegex = true));
    });
  }
}
