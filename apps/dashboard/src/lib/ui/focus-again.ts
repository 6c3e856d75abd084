/** Notes what has the focus; gives it back when the returned function is called, once what took it is gone. */
export function focusAgain(): () => void {
  const opener = document.activeElement
  return () => queueMicrotask(() => opener instanceof HTMLElement && opener.focus())
}
