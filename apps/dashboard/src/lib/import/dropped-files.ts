/** A file that a person gave, under its path within the folder it came in. */
export interface GivenFile {
  readonly path: string
  readonly file: File
}

/** Files and folders looked at; what a person gives at once is less. */
const MAX_FILES = 20_000

/** The files that were picked; those of a folder say their path. */
export function pickedFiles(files: FileList): GivenFile[] {
  return [...files]
    .slice(0, MAX_FILES)
    .map((file) => ({ path: file.webkitRelativePath === '' ? file.name : file.webkitRelativePath, file }))
}

/** The files of what was dropped, folders walked. */
export async function droppedFiles(items: readonly (FileSystemEntry | File | null)[]): Promise<GivenFile[]> {
  const found: GivenFile[] = []
  const waiting: FileSystemEntry[] = []
  for (const item of items) {
    if (item instanceof File) found.push({ path: item.name, file: item })
    else if (item !== null) waiting.push(item)
  }
  for (let entry = waiting.shift(); entry !== undefined; entry = waiting.shift()) {
    if (found.length + waiting.length >= MAX_FILES) break
    const path = entry.fullPath.replace(/^\//, '')
    if (entry.isDirectory) waiting.push(...(await entriesOf(entry as FileSystemDirectoryEntry)))
    else found.push({ path, file: await fileOf(entry as FileSystemFileEntry) })
  }
  return found
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject))
}

/** The browser gives a folder's entries some at a time, and none when it has given all. */
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader()
  const all: FileSystemEntry[] = []
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    )
    if (some.length === 0 || all.length >= MAX_FILES) return all
    all.push(...some)
  }
}
