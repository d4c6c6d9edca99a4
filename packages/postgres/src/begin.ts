/**
 * Each statement sees what was committed before it, whatever the database's default is: claims and
 * migrations rely on it after they have waited for a lock.
 */
export const begin = 'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE'
