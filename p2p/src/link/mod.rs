//! What one connection may send, and what it has on its account. Pure; time is an argument.
//!
//! [`Pacer`] keeps us from being banned, [`Meter`] notices who floods us, [`Score`] adds up offences
//! until they are enough for a ban.

#[cfg(test)]
mod tests;

use std::time::Duration;

use scape_pool::Instant;

use crate::wire::Blame;

/// Spaces outgoing messages so that no receiver takes us for a flooder.
///
/// Grin bans a peer that sends more than 500 messages in a minute, and spaces its own by 150 ms. A
/// pacer keeps that average and lets an idle link send a burst: in any window of 60 s, wherever it
/// starts, at most [`Pacer::PER_MINUTE`] messages go out. (With interval T and burst B, a window of
/// length W holds at most B + W/T messages: 50 + 60 s / 150 ms = 450.)
#[derive(Debug, Clone, Default)]
pub struct Pacer {
    /// When an evenly spaced sender would be free again.
    due: Instant,
}

impl Pacer {
    /// The most messages in any 60 s.
    pub const PER_MINUTE: u32 = 450;
    /// How many messages an idle link may send at once.
    pub const BURST: u32 = 50;
    /// The space between messages when there is more to send than that.
    pub const INTERVAL: Duration = Duration::from_millis(150);

    /// A pacer of a link that has sent nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks to send one message now. `Ok` counts it as sent.
    ///
    /// # Errors
    ///
    /// The instant from which on one message may be sent. Asking again before is harmless.
    pub fn poll(&mut self, now: Instant) -> Result<(), Instant> {
        let tolerance = Self::INTERVAL * (Self::BURST - 1);
        let wait = self.due.saturating_since(now).saturating_sub(tolerance);
        if !wait.is_zero() {
            return Err(now + wait);
        }
        self.due = self.due.max(now) + Self::INTERVAL;
        Ok(())
    }
}

/// What a peer may send us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeterLimits {
    /// Messages in a minute. Who keeps to it in every minute never exceeds the meter.
    pub messages_per_minute: u32,
    /// Bytes per second in the long run.
    pub bytes_per_second: u64,
    /// Bytes that may come at once on top of that.
    pub byte_burst: u64,
}

impl Default for MeterLimits {
    /// Grin's 500 messages a minute, and bytes for a few of the largest messages.
    fn default() -> Self {
        Self { messages_per_minute: 500, bytes_per_second: 512 * 1024, byte_burst: 32 << 20 }
    }
}

/// Which limit was exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flood {
    /// Too many messages.
    #[error("more messages than allowed")]
    Messages,
    /// Too many bytes.
    #[error("more bytes than allowed")]
    Bytes,
}

impl Flood {
    /// Who is to blame.
    pub fn blame(&self) -> Blame {
        Blame::Misbehaved
    }
}

/// Measures what a peer sends: two buckets that leak at the allowed rate.
#[derive(Debug, Clone)]
pub struct Meter {
    limits: MeterLimits,
    messages: Bucket,
    bytes: Bucket,
}

impl Meter {
    /// A meter of a link on which nothing came yet.
    pub fn new(limits: MeterLimits) -> Self {
        Self { limits, messages: Bucket::default(), bytes: Bucket::default() }
    }

    /// Counts one message, of whatever type.
    ///
    /// # Errors
    ///
    /// [`Flood::Messages`] if there were too many.
    pub fn handle_message(&mut self, now: Instant) -> Result<(), Flood> {
        let limit = u64::from(self.limits.messages_per_minute);
        self.messages.fill(1, limit, Duration::from_secs(60), limit, now).ok_or(Flood::Messages)
    }

    /// Counts bytes as they come off the socket.
    ///
    /// # Errors
    ///
    /// [`Flood::Bytes`] if there were too many.
    pub fn handle_bytes(&mut self, bytes: u64, now: Instant) -> Result<(), Flood> {
        let MeterLimits { bytes_per_second: rate, byte_burst, .. } = self.limits;
        let room = byte_burst.saturating_add(rate);
        self.bytes.fill(bytes, rate, Duration::from_secs(1), room, now).ok_or(Flood::Bytes)
    }
}

/// A leaking bucket. Its level is kept in units times microseconds of the period, so nothing is
/// rounded.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    level: u128,
    at: Instant,
}

impl Bucket {
    fn fill(
        &mut self,
        units: u64,
        rate: u64,
        period: Duration,
        room: u64,
        now: Instant,
    ) -> Option<()> {
        let leaked = now.saturating_since(self.at).as_micros() * u128::from(rate);
        self.at = self.at.max(now);
        self.level = self.level.saturating_sub(leaked);
        let scale = period.as_micros();
        let level = self.level.saturating_add(u128::from(units) * scale);
        let room = u128::from(room) * scale;
        // A flooder's level stays at the brim, so it is judged by what it does now.
        self.level = level.min(room);
        (level <= room).then_some(())
    }
}

/// What a peer can do wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Offence {
    /// Bytes that are no message.
    MalformedFrame,
    /// A message at the wrong time, or one that breaks the protocol.
    Protocol,
    /// A transaction that does not decode or breaks a cheap consensus rule.
    BadTransaction,
    /// A transaction with a wrong range proof, signature or kernel sum: dear to find out.
    InvalidProof,
    /// More messages or bytes than allowed.
    Flood,
    /// Something that was not asked for: addresses, transactions.
    Unsolicited,
    /// A transaction that an honest node with another view could have sent: already spent, fee too
    /// low, parent unknown.
    Refused,
}

impl Offence {
    /// What the offence costs, in points; [`Score::BAN`] points are a ban.
    ///
    /// | offence | points | why |
    /// |---|---|---|
    /// | `InvalidProof` | 100 | a Grin node verifies before it relays, and so does Scape |
    /// | `Flood` | 100 | Grin bans for it at once |
    /// | `MalformedFrame` | 50 | no honest peer, but a cut or corrupted stream may happen once |
    /// | `Protocol` | 50 | likewise |
    /// | `BadTransaction` | 50 | a fork with other rules may do it once |
    /// | `Unsolicited` | 10 | crossing messages |
    /// | `Refused` | 1 | views differ; a peer that sends nothing else still runs out |
    pub const fn points(self) -> u32 {
        match self {
            Self::InvalidProof | Self::Flood => 100,
            Self::MalformedFrame | Self::Protocol | Self::BadTransaction => 50,
            Self::Unsolicited => 10,
            Self::Refused => 1,
        }
    }

    /// The offence of an error with this blame, if it is one at all.
    pub const fn of(blame: Blame) -> Option<Self> {
        match blame {
            Blame::Malformed => Some(Self::MalformedFrame),
            Blame::Misbehaved => Some(Self::Protocol),
            Blame::Incompatible | Blame::Ours => None,
        }
    }
}

/// What follows from a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The link goes on.
    Tolerate,
    /// The points are enough for a ban.
    Ban,
}

/// Points of one peer, which time takes off again at one point a minute.
#[derive(Debug, Clone, Default)]
pub struct Score {
    points: Bucket,
}

impl Score {
    /// Points that mean a ban.
    pub const BAN: u32 = 100;
    /// How long it takes until one point is forgotten.
    pub const DECAY: Duration = Duration::from_secs(60);

    /// A clean record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an offence.
    pub fn handle_offence(&mut self, offence: Offence, now: Instant) -> Verdict {
        let room = u64::from(Self::BAN) - 1;
        let points = u64::from(offence.points());
        match self.points.fill(points, 1, Self::DECAY, room, now) {
            Some(()) => Verdict::Tolerate,
            None => Verdict::Ban,
        }
    }
}
