//! The names of the rules by which the two pools may differ, and of what else a sequence can meet.

use super::faults::Fault;

/// See where each is applied: [`super::compare`], [`super::align`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Rule {
    /// Both take it.
    Taken {
        stem: bool,
    },
    /// Both refuse it, for this among others.
    Refused(Fault),
    /// Neither can read it.
    Unreadable,
    Known,
    Replay,
    Overlap {
        stem: bool,
    },
    Subtract {
        stem: bool,
        held: bool,
    },
    Loop,
    Features,
    Recreate,
    Orphan {
        stem: bool,
    },
    ComesByItself {
        stem: bool,
    },
    Cache,
    Heights,
}

impl Rule {
    /// What a dozen sequences are sure to meet. The rest is rare, and written down ([`super::named`]).
    pub(super) const COMMON: [Self; 22] = [
        Self::Taken { stem: false },
        Self::Taken { stem: true },
        Self::Refused(Fault::LowFee),
        Self::Refused(Fault::Locked),
        Self::Refused(Fault::RecentNrd),
        Self::Refused(Fault::PendingNrd),
        Self::Refused(Fault::OutputExists),
        Self::Refused(Fault::Conflict),
        Self::Refused(Fault::Immature),
        Self::Refused(Fault::Features),
        Self::Refused(Fault::Missing),
        Self::Unreadable,
        Self::Known,
        Self::Subtract { stem: false, held: false },
        Self::Subtract { stem: true, held: false },
        Self::Subtract { stem: true, held: true },
        Self::Loop,
        Self::Features,
        Self::Orphan { stem: false },
        Self::Orphan { stem: true },
        Self::ComesByItself { stem: false },
        Self::ComesByItself { stem: true },
    ];
}
