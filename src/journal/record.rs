//! A record as bytes: one byte of version, the fields, and a checksum over the key and both.

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::{Decode, Encode};
use scape_aggregate::{Commitment, Consensus, Hash, ProtocolVersion, Transaction};
use scape_pool::{Instant, Record, RecordStage};

use super::{Moment, RecordError};

/// What is written. Of version 2 are records of what was sealed, which a program that only knows
/// version 1 would take for malformed.
const VERSION: u8 = 2;
/// What is read has this version at least.
const OLDEST: u8 = 1;
const CHECKSUM: usize = 32;
/// Bytes that the fields may claim. The heaviest transaction has 1.4 MB: 40,000 inputs.
const MAX_SIZE: usize = 8 << 20;

const CONFIG: Configuration<LittleEndian, Fixint, Limit<MAX_SIZE>> =
    bincode::config::standard().with_fixed_int_encoding().with_limit();

/// The fields of versions 1 and 2. Their order and types are the format.
#[derive(Encode, Decode)]
struct Fields {
    /// When this was written, in microseconds since 1970.
    written: u64,
    stage: Stage,
    confirmed: Vec<[u8; Commitment::SIZE]>,
    /// Of Grin's serialization, in which the transaction is written.
    protocol: u32,
    tx: Vec<u8>,
}

/// Ends of embargoes are in microseconds since 1970.
#[derive(Encode, Decode)]
enum Stage {
    Waiting {
        embargo: Option<u64>,
    },
    Sent {
        embargo: u64,
    },
    Public,
    /// Since version 2.
    Sealed {
        embargo: u64,
        attempts: u8,
    },
}

/// A record whose transaction has to be verified again.
pub(super) struct Unverified {
    pub(super) tx: Transaction,
    pub(super) confirmed: Vec<Commitment>,
    pub(super) stage: RecordStage,
}

pub(super) fn encode(key: &Hash, record: &Record, moment: Moment) -> Vec<u8> {
    let end = |embargo: Instant| {
        let (end, now) = (embargo.as_micros(), moment.now.as_micros());
        let unix = moment.unix_micros;
        // What has ended is kept as such: it may be some time until it is looked at.
        if end >= now { unix.saturating_add(end - now) } else { unix.saturating_sub(now - end) }
    };
    let stage = match record.stage {
        RecordStage::Waiting { embargo } => Stage::Waiting { embargo: embargo.map(end) },
        RecordStage::Sent { embargo } => Stage::Sent { embargo: end(embargo) },
        RecordStage::Public => Stage::Public,
        RecordStage::Sealed { embargo, attempts } => {
            Stage::Sealed { embargo: end(embargo), attempts }
        }
    };
    let (protocol, tx) = encode_tx(record);
    let confirmed = record.confirmed.iter().map(|commitment| commitment.0).collect();
    let fields = Fields { written: moment.unix_micros, stage, confirmed, protocol: protocol.0, tx };
    let fields = bincode::encode_to_vec(fields, CONFIG);
    let fields = fields.unwrap_or_else(|_| unreachable!("plain fields can always be written"));
    let mut bytes = vec![VERSION];
    bytes.extend(fields);
    let checksum = Hash::of(&[key.as_bytes(), &bytes]);
    bytes.extend(checksum.as_bytes());
    bytes
}

/// With the features of its inputs, if it has them: old peers cannot be told without.
fn encode_tx(record: &Record) -> (ProtocolVersion, Vec<u8>) {
    let versions = [ProtocolVersion::V2, ProtocolVersion::LOCAL];
    let encoded = versions.into_iter().find_map(|v| Some((v, record.tx.encode(v).ok()?)));
    encoded.unwrap_or_else(|| unreachable!("the local version needs no features"))
}

pub(super) fn decode(
    key: &Hash,
    bytes: &[u8],
    consensus: &Consensus,
    moment: Moment,
) -> Result<Unverified, RecordError> {
    // The checksum comes first, in every version: a newer one is not taken for damage.
    let (bytes, checksum) = bytes.split_last_chunk::<CHECKSUM>().ok_or(RecordError::Damaged)?;
    if Hash::of(&[key.as_bytes(), bytes]).as_bytes() != checksum {
        return Err(RecordError::Damaged);
    }
    let fields = match bytes.split_first() {
        Some((OLDEST..=VERSION, fields)) => fields,
        Some((&version, _)) if version > VERSION => return Err(RecordError::Newer(version)),
        _ => return Err(RecordError::Malformed),
    };
    decode_fields(fields, consensus, moment)
}

fn decode_fields(
    bytes: &[u8],
    consensus: &Consensus,
    moment: Moment,
) -> Result<Unverified, RecordError> {
    let (fields, read): (Fields, usize) =
        bincode::decode_from_slice(bytes, CONFIG).map_err(|_| RecordError::Malformed)?;
    if read != bytes.len() {
        return Err(RecordError::Malformed);
    }
    // A clock that was set back since does not count: the time that was left then is the most.
    let unix = moment.unix_micros.max(fields.written);
    let end = |embargo: u64| {
        let left = embargo.saturating_sub(unix);
        Instant::from_micros(moment.now.as_micros().saturating_add(left))
    };
    let stage = match fields.stage {
        Stage::Waiting { embargo } => RecordStage::Waiting { embargo: embargo.map(end) },
        Stage::Sent { embargo } => RecordStage::Sent { embargo: end(embargo) },
        Stage::Public => RecordStage::Public,
        Stage::Sealed { embargo, attempts } => {
            RecordStage::Sealed { embargo: end(embargo), attempts }
        }
    };
    let tx = Transaction::decode(&fields.tx, ProtocolVersion(fields.protocol), consensus)?;
    let confirmed = fields.confirmed.into_iter().map(Commitment).collect();
    Ok(Unverified { tx, confirmed, stage })
}

#[cfg(test)]
pub(super) fn decode_unchecked(bytes: &[u8], consensus: &Consensus, moment: Moment) -> bool {
    decode_fields(bytes, consensus, moment).is_ok()
}
