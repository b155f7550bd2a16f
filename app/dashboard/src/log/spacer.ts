/** Gives the pane the height of all rows. Its layer stays in sight and holds the rows in view. */
export class Spacer {
  /** As drawn, in pixels. */
  height = 0;
  private readonly element = document.createElement('div');
  private readonly layer = document.createElement('div');

  constructor(
    private readonly pane: HTMLElement,
    ...layers: readonly HTMLElement[]
  ) {
    Object.assign(this.element, { className: 'spacer' }).append(this.layer);
    Object.assign(this.layer, { className: 'layer' }).append(...layers);
    pane.replaceChildren(this.element);
  }

  /** `columns` is the width of the widest line. */
  resize(height: number, paneHeight: number, columns: number): void {
    this.height = height;
    this.element.style.height = `${height}px`;
    this.layer.style.height = `${paneHeight}px`;
    this.pane.style.setProperty('--columns', String(columns));
  }
}
