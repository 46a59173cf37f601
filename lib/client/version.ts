declare const COSPIPE_VERSION: string | undefined

/** The version in `User-Agent`. It is written in package.json alone: `npm run build` puts it here. */
export const version: string = typeof COSPIPE_VERSION === 'undefined' ? '0.0.0-source' : COSPIPE_VERSION
