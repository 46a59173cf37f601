/**
 * The `Content-Type` of an object whose upload sends none. COS chooses it by the suffix of the key: tests of its Node SDK
 * upload `1.zip` without a type and read `application/zip`, and its page on symlinks (436/109082) names the rule. COS
 * publishes no list of suffixes: these are common ones, with their types at IANA.
 */

const types: Readonly<Record<string, string>> = {
  ...{ '7z': 'application/x-7z-compressed', avif: 'image/avif', bmp: 'image/bmp', css: 'text/css' },
  ...{ csv: 'text/csv', gif: 'image/gif', gz: 'application/gzip', htm: 'text/html', html: 'text/html' },
  ...{ ico: 'image/x-icon', jpeg: 'image/jpeg', jpg: 'image/jpeg', js: 'text/javascript' },
  ...{
    json: 'application/json',
    m3u8: 'application/vnd.apple.mpegurl',
    m4a: 'audio/mp4',
    md: 'text/markdown'
  },
  ...{
    mjs: 'text/javascript',
    mov: 'video/quicktime',
    mp3: 'audio/mpeg',
    mp4: 'video/mp4',
    mpeg: 'video/mpeg'
  },
  ...{ ogg: 'audio/ogg', pdf: 'application/pdf', png: 'image/png', rar: 'application/vnd.rar' },
  ...{ rtf: 'application/rtf', svg: 'image/svg+xml', tar: 'application/x-tar', tif: 'image/tiff' },
  ...{ tiff: 'image/tiff', ts: 'video/mp2t', txt: 'text/plain', wasm: 'application/wasm', wav: 'audio/wav' },
  ...{
    webm: 'video/webm',
    webp: 'image/webp',
    woff: 'font/woff',
    woff2: 'font/woff2',
    xml: 'application/xml'
  },
  ...{ zip: 'application/zip' }
}

/** The type of a key's suffix; undefined if the suffix is unknown. */
export const contentTypeOf = (key: string): string | undefined => {
  const [, suffix = ''] = /\.([^./]+)$/.exec(key) ?? []
  const name = suffix.toLowerCase()
  return Object.hasOwn(types, name) ? types[name] : undefined
}
