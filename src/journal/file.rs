//! Where the journal is, and who may read it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use redb::backends::FileBackend;

use super::JournalError;
use super::store::Store;

/// Opens the journal, or makes one beside its place and moves it there: a crash in between leaves
/// either none or a good one.
pub(super) fn open(path: &Path) -> Result<Store, JournalError> {
    match open_file(path, false) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let unfinished = path.with_extension("new");
            match fs::remove_file(&unfinished) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
            drop(open_store(open_file(&unfinished, true)?)?);
            fs::rename(&unfinished, path)?;
            sync_folder(path)?;
            open_store(open_file(path, false)?)
        }
        file => open_store(file?),
    }
}

fn open_store(file: File) -> Result<Store, JournalError> {
    let backend = FileBackend::new(file).map_err(redb::Error::from)?;
    Store::open(backend)
}

/// Makes a folder and those above it that are missing, for their owner only.
///
/// # Errors
/// What the system says.
pub fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

fn open_file(path: &Path, create: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(create);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    // It may have been copied here by hand.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(file)
}

/// The name of a new file is safe when its folder is synced.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
