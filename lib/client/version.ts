/** The version in `User-Agent`. It is written in package.json alone: `npm run build` puts it here in `dist`. */
export const version: string = '0.0.0-source'
