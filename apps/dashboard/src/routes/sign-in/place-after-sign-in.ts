/** Where to go after signing in: the place asked for if it is below `home` on this very server, else `home`. */
export function placeAfterSignIn(asked: string | null, home: string): string {
  if (asked === null || !asked.startsWith(home)) return home
  const here = 'http://here.invalid'
  const place = URL.parse(asked, here)
  if (place === null || place.origin !== here || !place.pathname.startsWith(home)) return home
  // A path that begins with two slashes would be read as the name of another server.
  return place.pathname.replace(/^\/+/, '/') + place.search
}
