//! One file a day, for its owner only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::journal::make_folder;

const PREFIX: &str = "scape.";
const SUFFIX: &str = ".log";
const DAY: u64 = 86_400;

/// Writes to the file of today, and removes the oldest when there are too many.
#[derive(Debug)]
pub(super) struct DailyFile {
    dir: PathBuf,
    keep: usize,
    day: u64,
    file: File,
}

impl DailyFile {
    /// Opens or makes the file of today, and the folder.
    pub(super) fn open(dir: &Path, keep: usize) -> io::Result<Self> {
        Self::open_at(dir, keep, today())
    }

    fn open_at(dir: &Path, keep: usize, day: u64) -> io::Result<Self> {
        make_folder(dir)?;
        let file = open_file(&dir.join(name(day)))?;
        prune(dir, keep)?;
        Ok(Self { dir: dir.to_owned(), keep, day, file })
    }

    /// Goes on in the old file where a new one cannot be made: better there than nowhere.
    fn turn(&mut self, day: u64) {
        if day == self.day {
            return;
        }
        if let Ok(next) = Self::open_at(&self.dir, self.keep, day) {
            *self = next;
        }
    }
}

impl Write for DailyFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.turn(today());
        self.file.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Days since 1970 (UTC).
#[expect(clippy::disallowed_methods, reason = "log files are named by the clock on the wall")]
fn today() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() / DAY)
}

fn open_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    // It may have been made by something else.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

/// Names sort as the days do.
fn prune(dir: &Path, keep: usize) -> io::Result<()> {
    let mut ours = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_ours) {
            ours.push(entry.path());
        }
    }
    ours.sort_unstable();
    let surplus = ours.len().saturating_sub(keep);
    ours.iter().take(surplus).try_for_each(fs::remove_file)
}

fn is_ours(name: &str) -> bool {
    let date = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    date.is_some_and(|date| {
        let digit_or_dash = |(at, byte): (usize, u8)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        };
        date.len() == 10 && date.bytes().enumerate().all(digit_or_dash)
    })
}

fn name(day: u64) -> String {
    let (year, month, day) = date(day);
    format!("{PREFIX}{year:04}-{month:02}-{day:02}{SUFFIX}")
}

/// The date of a day since 1970, by eras of 400 years that begin in March
/// (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`).
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_the_dates_of_the_calendar() {
        let of = |secs: u64| name(secs / DAY);
        assert_eq!(of(0), "scape.1970-01-01.log");
        assert_eq!(of(951_782_400), "scape.2000-02-29.log");
        assert_eq!(of(951_868_800), "scape.2000-03-01.log");
        assert_eq!(of(1_795_651_199), "scape.2026-11-25.log");
        assert_eq!(of(4_107_542_400), "scape.2100-03-01.log");
    }

    #[test]
    fn each_day_has_its_file_and_the_oldest_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("log");
        let mut log = DailyFile::open_at(&dir, 2, 10).expect("made");
        for stranger in ["scape.toml", "scape.1969-aa-01.log", "other.1960-01-01.log"] {
            fs::write(dir.join(stranger), "").expect("written");
        }
        for day in 10..14 {
            log.turn(day);
            log.file.write_all(format!("{day}\n").as_bytes()).expect("written");
            log.turn(day);
        }
        let mut names: Vec<_> = fs::read_dir(&dir)
            .expect("read")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
            .filter(|name| is_ours(name))
            .collect();
        names.sort();
        assert_eq!(names, [name(12), name(13)]);
        assert_eq!(fs::read_to_string(dir.join(name(13))).expect("read"), "13\n");
        assert_eq!(fs::read_dir(&dir).expect("read").count(), 5);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_them() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("log");
        make_folder(&dir).expect("made");
        let path = dir.join(name(10));
        fs::write(&path, "before\n").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        drop(DailyFile::open_at(&dir, 2, 10).expect("opened"));
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&dir), mode(&path)), (0o700, 0o600));
        assert_eq!(fs::read_to_string(path).expect("read"), "before\n");
    }
}
