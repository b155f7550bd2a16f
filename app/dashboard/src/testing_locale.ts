/** Unit tests see a browser in British English, unless they set another language. */
Object.defineProperty(Navigator.prototype, 'language', { get: () => 'en-GB', configurable: true });
