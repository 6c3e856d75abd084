import { recall, remember } from '#lib/state/remembered.ts'

const KEY = 'notifications'

/** `insecure`: browsers let only pages over https or on localhost ask. `missing`: this one has no notifications. */
type Allowance = NotificationPermission | 'insecure' | 'missing'

/** What a notification says; of two with one `tag`, also of different tabs, the later takes the place of the first. */
export interface Notice {
  readonly title: string
  readonly body: string
  readonly tag: string
}

/** Whether this browser shows a notification when a finding opens or closes: off until a person asks for it. */
class BrowserNotifications {
  #isWanted = $state(recall(KEY, false, (value) => typeof value === 'boolean'))
  #allowance = $state(allowance())

  get isOn(): boolean {
    return this.#isWanted && this.#allowance === 'granted'
  }
  /** Why the browser shows none, in a sentence; empty where it may. */
  get refusal(): string {
    return REFUSALS[this.#allowance]
  }

  /** Asks the browser for its permission: to be called from a click. */
  async turnOn(): Promise<void> {
    if (allowance() === 'default') await Notification.requestPermission()
    this.#allowance = allowance()
    this.#want(this.#allowance === 'granted')
  }

  turnOff(): void {
    this.#want(false)
  }

  /** A browser that refuses after all, as some phones do, turns notifications off and says so. */
  show({ title, body, tag }: Notice, onclick: () => void = () => undefined): void {
    try {
      const notification = new Notification(title, { body, tag })
      notification.onclick = () => {
        window.focus()
        notification.close()
        onclick()
      }
    } catch {
      this.#allowance = 'missing'
    }
  }

  #want(isWanted: boolean): void {
    this.#isWanted = isWanted
    remember(KEY, isWanted)
  }
}

const REFUSALS: Record<Allowance, string> = {
  granted: '',
  default: '',
  denied: 'Notifications are blocked for this site. Allow them in the browser’s site settings.',
  insecure: 'Browsers allow notifications only for pages served over https or from localhost.',
  missing: 'This browser does not support notifications.',
}

function allowance(): Allowance {
  if (!window.isSecureContext) return 'insecure'
  return 'Notification' in window ? Notification.permission : 'missing'
}

export const notifications = new BrowserNotifications()
