import { beforeEach, expect, test } from 'vitest';
import { surviveTranslation } from './translation';

const settle = (): Promise<void> => new Promise((done) => setTimeout(done));

/** As Chrome does it. */
function translate(text: Text): Element {
  const font = document.createElement('font');
  font.append(document.createElement('font'));
  font.firstElementChild!.append(text.data.toUpperCase());
  text.replaceWith(font);
  return font;
}

let text: Text;
beforeEach(() => {
  document.body.innerHTML = '<p>running<b>!</b></p>';
  text = document.querySelector('p')!.firstChild as Text;
  return surviveTranslation(document.body);
});

test('a translation is shown', async () => {
  translate(text);
  await settle();

  expect(document.body.textContent).toBe('RUNNING!');
});

test('an update of translated text is shown', async () => {
  translate(text);
  await settle();

  text.nodeValue = 'failed';
  await settle();

  expect(document.body.innerHTML).toBe('<p>failed<b>!</b></p>');
});

test('an update is translated in turn', async () => {
  translate(text);
  await settle();
  text.nodeValue = 'failed';
  await settle();

  translate(text);
  await settle();
  text.nodeValue = 'completed';
  await settle();

  expect(document.body.textContent).toBe('completed!');
});

test('removed text takes its translation along', async () => {
  translate(text);
  await settle();

  text.remove();
  await settle();

  expect(document.body.innerHTML).toBe('<p><b>!</b></p>');
});

test('the original returns when the translator removes its elements', async () => {
  const font = translate(text);
  await settle();

  font.replaceWith(text);
  await settle();

  expect(document.body.innerHTML).toBe('<p>running<b>!</b></p>');
});

test('an element that is inserted before the text is removed counts as its translation', async () => {
  const font = document.createElement('font');
  font.append('RUNNING');
  text.before(font);
  text.remove();
  await settle();

  text.nodeValue = 'failed';
  await settle();

  expect(document.body.textContent).toBe('failed!');
});
