import { MAX_MUTES } from '@normwatch/protocol'
import type { Database } from '../engine/database.ts'
import { MuteNotFound, TooManyAlertRules, type StoredMute } from '../../alert-store.ts'

/** The table of mutes. Those that are over are removed when one is made. */
export function openMutes(db: Database) {
  const select = db.prepare<[number], StoredMute>(
    'select id, run, project, kind, until, created_at from mutes where until > ? order by until, id',
  )
  const insert = db.prepare<[StoredMute]>(
    'insert into mutes (id, run, project, kind, until, created_at) values (@id, @run, @project, @kind, @until, @created_at)',
  )
  const removeOver = db.prepare<[number]>('delete from mutes where until <= ?')
  const remove = db.prepare<[string]>('delete from mutes where id = ?')

  const inForce = (now: number): StoredMute[] => select.all(now)
  return {
    inForce,
    create(mute: StoredMute): StoredMute {
      const { created_at } = mute
      removeOver.run(created_at)
      if (inForce(created_at).length >= MAX_MUTES) {
        throw new TooManyAlertRules(`There are at most ${MAX_MUTES} mutes at a time.`)
      }
      insert.run(mute)
      return mute
    },
    remove(id: string): void {
      if (remove.run(id).changes === 0) throw new MuteNotFound(`There is no mute "${id}".`)
    },
  }
}
export type MuteTable = ReturnType<typeof openMutes>
