// Runs in an isolated page, before the page's own scripts.
(() => {
  document.currentScript.remove();
  // The content security policy does not restrict these connections.
  for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection', 'WebTransport']) delete window[name];

  // Reading the browser's storage throws, which would end the script of a page that remembers how a table is sorted.
  for (const name of ['localStorage', 'sessionStorage']) {
    const items = new Map();
    const value = {
      getItem: (key) => items.get(String(key)) ?? null,
      setItem: (key, item) => void items.set(String(key), String(item)),
      removeItem: (key) => void items.delete(String(key)),
      clear: () => items.clear(),
      key: (index) => [...items.keys()][index] ?? null,
      get length() {
        return items.size;
      },
    };
    Object.defineProperty(window, name, { value });
  }

  if (parent === window) return;
  // The page's scripts never see this port, so they cannot invent a click. Nothing is received on it, because they could
  // then take it from the event.
  const { port1, port2 } = new MessageChannel();
  const tell = port1.postMessage.bind(port1);
  parent.postMessage('isolated page', '*', [port2]);

  // The dashboard opens links: the frame cannot, because it has no session.
  addEventListener('click', (event) => {
    const link = event.composedPath()[0].closest?.('a[href], area[href]');
    if (event.defaultPrevented || !/^https?:/.test(link?.href)) return;
    const [target, here] = [link.href, location.href].map((address) => address.split('#')[0]);
    if (target === here && link.href.includes('#')) return;
    event.preventDefault();
    if (event.isTrusted) tell({ link: link.href });
  });

  addEventListener('securitypolicyviolation', ({ blockedURI }) => tell({ blocked: blockedURI }));

  // The dashboard sends the pictures of the run that a script refers to.
  addEventListener('message', ({ source, data }) => {
    if (source !== parent || !data?.picture) return;
    for (const image of document.images) if (image.src === data.address) image.src = data.picture;
  });
})();
