//! Which code of libsecp256k1-zkp was linked.
//!
//! The library has field arithmetic for 32-bit and for 64-bit machines, and its build script takes
//! the former everywhere unless flags say otherwise (`.cargo/config.toml`). Results are the same,
//! at half the speed. The generator of the curve is a constant of the C code in the form that its
//! arithmetic uses (ten limbs of 26 bits or five of 52), so the executable shows which it is: no
//! clock is needed, and a busy machine makes no difference.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, BufReader, Read};
use std::path::Path;

use tracing::{info, warn};

/// The code that was linked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LibraryBuild {
    /// For 64-bit machines.
    Fast,
    /// For 32-bit machines; about half as fast on others.
    Slow,
    /// The executable does not show it: the library may be in another file.
    Unknown,
}

/// The x coordinate of secp256k1's generator (SEC 2, 2.4.1), big-endian.
const GENERATOR_X: [u8; 32] = [
    0x79, 0xbe, 0x66, 0x7e, 0xf9, 0xdc, 0xbb, 0xac, 0x55, 0xa0, 0x62, 0x95, 0xce, 0x87, 0x0b, 0x07,
    0x02, 0x9b, 0xfc, 0xdb, 0x2d, 0xce, 0x28, 0xd9, 0x59, 0xf2, 0x81, 0x5b, 0x16, 0xf8, 0x17, 0x98,
];
/// Length of both forms.
const NEEDLE: usize = 40;
/// How much of the file is looked at together.
const CHUNK: usize = 1 << 20;

/// Looks at the running executable. Reads all of it: not for a thread that has better things to do.
///
/// # Errors
/// If the executable cannot be read.
pub fn library_build() -> io::Result<LibraryBuild> {
    build_of(&std::env::current_exe()?)
}

/// Says so if verification takes twice as long as it has to. As slow as [`library_build`].
pub(crate) fn warn_of_slow_library() {
    match library_build() {
        Ok(LibraryBuild::Slow) if cfg!(target_pointer_width = "64") => warn!(
            "libsecp256k1-zkp was built with its 32-bit code: verification takes twice as long; \
             the flags that change it are in .cargo/config.toml"
        ),
        Ok(_) => {}
        Err(error) => info!(%error, "cannot tell how libsecp256k1-zkp was built"),
    }
}

fn build_of(path: &Path) -> io::Result<LibraryBuild> {
    // Hidden from the compiler, or it might put the constants into this very executable.
    let generator = black_box(GENERATOR_X);
    let (fast, slow) = (limbs::<52, 8>(&generator), limbs::<26, 4>(&generator));
    let mut file = BufReader::new(File::open(path)?);
    let (mut window, mut kept) = (vec![0; CHUNK + NEEDLE], 0);
    loop {
        let read = read_full(&mut file, &mut window[kept..])?;
        let filled = kept + read;
        // Constants are aligned to their limbs.
        for at in (0..filled.saturating_sub(NEEDLE - 1)).step_by(4) {
            if window[at..].starts_with(&fast) {
                return Ok(LibraryBuild::Fast);
            }
            if window[at..].starts_with(&slow) {
                return Ok(LibraryBuild::Slow);
            }
        }
        if filled < window.len() {
            return Ok(LibraryBuild::Unknown);
        }
        window.copy_within(filled - NEEDLE.., 0);
        kept = NEEDLE;
    }
}

/// A number as little-endian limbs of `BITS` bits in `BYTES` bytes each.
fn limbs<const BITS: usize, const BYTES: usize>(big_endian: &[u8; 32]) -> [u8; NEEDLE] {
    let bit = |index: usize| match big_endian.len().checked_sub(1 + index / 8) {
        Some(byte) => big_endian[byte] >> (index % 8) & 1,
        None => 0,
    };
    let mut needle = [0; NEEDLE];
    for index in 0..NEEDLE / BYTES * BITS {
        let (limb, place) = (index / BITS, index % BITS);
        needle[limb * BYTES + place / 8] |= bit(index) << (place % 8);
    }
    needle
}

fn read_full(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fast_code_is_linked() {
        // Without a call the linker may leave the library out.
        let verifier = scape_aggregate::Verifier::new(std::num::NonZeroUsize::MIN);
        assert!(verifier.verify_batch(Vec::new()).is_empty());
        if cfg!(all(target_pointer_width = "64", target_endian = "little")) {
            assert_eq!(library_build().unwrap(), LibraryBuild::Fast, "see .cargo/config.toml");
        }
    }

    #[test]
    fn forms_are_found_wherever_they_are_aligned() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("executable");
        let forms = [
            (limbs::<52, 8>(&GENERATOR_X), LibraryBuild::Fast),
            (limbs::<26, 4>(&GENERATOR_X), LibraryBuild::Slow),
            (limbs::<30, 4>(&GENERATOR_X), LibraryBuild::Unknown),
        ];
        for (form, build) in forms {
            for at in [0, 4, CHUNK - 20, CHUNK, CHUNK + 20, 2 * CHUNK + 36] {
                let mut bytes = vec![0; at];
                bytes.extend(form);
                std::fs::write(&path, bytes).unwrap();
                assert_eq!(build_of(&path).unwrap(), build, "at {at}");
            }
        }
    }

    #[test]
    fn limbs_are_those_of_the_library() {
        // SECP256K1_FE_CONST of field_10x26.h and field_5x52.h.
        assert_eq!(
            limbs::<26, 4>(&GENERATOR_X)[..8],
            [0x98, 0x17, 0xf8, 0x02, 0xc5, 0x56, 0xa0, 0x00]
        );
        assert_eq!(
            limbs::<52, 8>(&GENERATOR_X)[..8],
            [0x98, 0x17, 0xf8, 0x16, 0x5b, 0x81, 0x02, 0]
        );
    }
}
