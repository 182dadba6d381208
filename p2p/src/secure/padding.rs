//! Size classes, and what they cost.

/// Sizes of the inside of a record in bytes, its own header included.
///
/// | class | what falls into it |
/// |---|---|
/// | 128 | pings, announcements, requests, a close |
/// | 512, 1,024 | small address lists |
/// | 2,048 | a transaction of one input and two outputs (some 1,650 bytes) |
/// | 3,075 | a transaction of three outputs; also a frame of white noise of the default size |
/// | 4,096 to 49,152 | aggregates, by doubling with one step in between |
/// | 65,519 | each full record of something longer |
///
/// Few and far apart hide more and cost more. From 512 bytes on a class is at most twice the one
/// before, so padding at most doubles a message, and above 2,048 bytes it adds at most half. The
/// figures for a given traffic come from [`Overhead`]; a transaction of 1,650 bytes takes 2,066 on
/// the wire, an announcement of 43 bytes 146.
pub const CLASSES: [usize; 14] = [
    128, 512, 1_024, 2_048, 3_075, 4_096, 6_144, 8_192, 12_288, 16_384, 24_576, 32_768, 49_152,
    MAX_INSIDE,
];

/// The longest inside of a record: what a Noise message of 65,535 bytes holds beside its tag.
pub(super) const MAX_INSIDE: usize = 65_535 - TAG_LEN;

/// Bytes of the header inside a record: kind and length.
pub(super) const INNER_LEN: usize = 3;

/// Bytes of the length before a record.
pub(super) const PREFIX_LEN: usize = 2;

/// Bytes of the authentication tag.
pub(super) const TAG_LEN: usize = 16;

/// The most bytes that one record carries.
pub const MAX_PAYLOAD: usize = MAX_INSIDE - INNER_LEN;

/// Bytes that a record takes on the wire beside its payload and its padding.
pub const RECORD_OVERHEAD: usize = PREFIX_LEN + INNER_LEN + TAG_LEN;

/// The class of an inside of `length` bytes, at most [`MAX_INSIDE`].
pub(super) fn class_of(length: usize) -> usize {
    CLASSES.into_iter().find(|class| length <= *class).unwrap_or(MAX_INSIDE)
}

/// What encryption and padding cost, added up over messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Overhead {
    /// Bytes of the messages.
    pub payload: u64,
    /// Bytes that their records take on the wire.
    pub wire: u64,
    /// Records.
    pub records: u64,
}

impl Overhead {
    /// The cost of messages of these lengths in bytes, each in records of its own.
    pub fn of(lengths: impl IntoIterator<Item = usize>) -> Self {
        let mut sum = Self::default();
        lengths.into_iter().for_each(|length| sum.add(length));
        sum
    }

    /// Adds a message of `length` bytes.
    pub fn add(&mut self, length: usize) {
        let rest = length % MAX_PAYLOAD;
        let full = (length / MAX_PAYLOAD) as u64;
        let outside = PREFIX_LEN + TAG_LEN;
        self.payload += length as u64;
        self.records += full;
        self.wire += full * (MAX_INSIDE + outside) as u64;
        if rest > 0 {
            self.records += 1;
            self.wire += (class_of(INNER_LEN + rest) + outside) as u64;
        }
    }

    /// Bytes on the wire for each byte of payload; 1 for nothing at all.
    pub fn ratio(&self) -> f64 {
        if self.payload == 0 { 1.0 } else { self.wire as f64 / self.payload as f64 }
    }
}
