import { MAX_MUTES, type Mute } from '@normwatch/protocol'
import type { Database } from 'better-sqlite3'
import { MuteNotFound, TooManyAlertRules } from '../../alert-store.ts'

interface Row extends Omit<Mute, 'until' | 'created_at'> {
  readonly until: number
  readonly created_at: number
}

/** The table of mutes. Those that are over are removed when one is made. */
export function openMutes(db: Database) {
  const select = db.prepare<[number], Row>(
    'select id, run, project, kind, until, created_at from mutes where until > ? order by until, id',
  )
  const insert = db.prepare<[Row]>(
    'insert into mutes (id, run, project, kind, until, created_at) values (@id, @run, @project, @kind, @until, @created_at)',
  )
  const removeOver = db.prepare<[number]>('delete from mutes where until <= ?')
  const remove = db.prepare<[string]>('delete from mutes where id = ?')

  const inForce = (now: number): Mute[] => select.all(now).map(muteOf)
  return {
    inForce,
    create(mute: Mute): Mute {
      const created_at = Date.parse(mute.created_at)
      removeOver.run(created_at)
      if (inForce(created_at).length >= MAX_MUTES) {
        throw new TooManyAlertRules(`There are at most ${MAX_MUTES} mutes at a time.`)
      }
      insert.run({ ...mute, until: Date.parse(mute.until), created_at })
      return mute
    },
    remove(id: string): void {
      if (remove.run(id).changes === 0) throw new MuteNotFound(`There is no mute "${id}".`)
    },
  }
}
export type MuteTable = ReturnType<typeof openMutes>

const muteOf = ({ until, created_at, ...row }: Row): Mute => ({
  ...row,
  until: new Date(until).toISOString(),
  created_at: new Date(created_at).toISOString(),
})
