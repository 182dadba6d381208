use super::Secret;
use crate::{FeeFields, KernelFeatures, NrdRelativeHeight};

/// A kernel to be: what it promises, and what is given of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kernel {
    lock: Lock,
    pub(super) fee: Option<FeeFields>,
    pub(super) key: Option<Secret>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Lock {
    #[default]
    None,
    Height(u64),
    Nrd(NrdRelativeHeight),
}

impl Kernel {
    /// Only a fee.
    pub fn plain() -> Self {
        Self::default()
    }

    /// Not valid in a block below `lock_height`.
    pub fn height_locked(lock_height: u64) -> Self {
        Self { lock: Lock::Height(lock_height), ..Self::default() }
    }

    /// Not valid too soon after another kernel of the same excess.
    pub fn nrd(relative_height: NrdRelativeHeight) -> Self {
        Self { lock: Lock::Nrd(relative_height), ..Self::default() }
    }

    /// Pays exactly this, all 64 bits as given, instead of its share of the automatic fee.
    pub fn fee(self, fee: FeeFields) -> Self {
        Self { fee: Some(fee), ..self }
    }

    /// Has this excess key instead of a drawn one; two NRD kernels with one key are duplicates.
    pub fn key(self, key: Secret) -> Self {
        Self { key: Some(key), ..self }
    }

    pub(super) fn features(&self, fee: FeeFields) -> KernelFeatures {
        match self.lock {
            Lock::None => KernelFeatures::Plain { fee },
            Lock::Height(lock_height) => KernelFeatures::HeightLocked { fee, lock_height },
            Lock::Nrd(relative_height) => {
                KernelFeatures::NoRecentDuplicate { fee, relative_height }
            }
        }
    }
}
