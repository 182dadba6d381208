//! Transactions as bytes and as JSON, ours and Grin's side by side.

use arbitrary::Unstructured;
use bytes::Bytes;
use grin_core::core::Transaction as GrinTransaction;
use grin_core::global::{self, ChainTypes};
use grin_core::ser::{self, DeserializationMode};
use scape_aggregate::builder::{RawInput, RawKernel, RawOutput, RawTx};
use scape_aggregate::{ChainType, Consensus, ProtocolVersion, Reader, Transaction};

use crate::VERSIONS;

/// What the first byte of an input chooses.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Bits 0 and 1.
    pub version: ProtocolVersion,
    /// Bits 2 (NRD), 3 and 4 (chain).
    pub consensus: Consensus,
    /// Bit 7: the bytes are not a transaction but say how to write one, in canonical order.
    pub written: bool,
}

impl Setting {
    /// Reads a first byte.
    pub fn of(head: u8) -> Self {
        let chain = ChainType::ALL[usize::from(head >> 3 & 3)];
        Self {
            version: VERSIONS[usize::from(head & 3)],
            consensus: Consensus { chain, nrd: head & 4 != 0 },
            written: head & 0x80 != 0,
        }
    }

    /// Grin keeps chain and switches in variables of the thread.
    fn tell_grin(&self) {
        global::set_local_nrd_enabled(self.consensus.nrd);
        global::set_local_chain_type(match self.consensus.chain {
            ChainType::Mainnet => ChainTypes::Mainnet,
            ChainType::Testnet => ChainTypes::Testnet,
            ChainType::UserTesting => ChainTypes::UserTesting,
            ChainType::AutomatedTesting => ChainTypes::AutomatedTesting,
        });
    }
}

/// Both accept or both refuse the same bytes, take as many of them, and write the same again at
/// every version. What follows a transaction Grin ignores, and [`Transaction::read`] leaves.
pub fn decode_like_grin(data: &[u8]) {
    let Some((&head, rest)) = data.split_first() else { return };
    let setting = Setting::of(head);
    setting.tell_grin();
    let bytes = match setting.written {
        true => write_raw(rest, setting.version).unwrap_or_default().into(),
        false => Bytes::copy_from_slice(rest),
    };
    let (mut reader, mut left) = (Reader::new(&bytes), &bytes[..]);
    let ours = Transaction::read(&mut reader, setting.version, &setting.consensus);
    let theirs: Result<GrinTransaction, _> =
        ser::deserialize(&mut left, to_grin(setting.version), DeserializationMode::Full);
    match (&ours, &theirs) {
        (Err(_), Err(_)) => {}
        (Ok(ours), Ok(theirs)) => {
            assert_eq!(reader.remaining(), left.len(), "{setting:?}");
            assert_same(ours, theirs);
        }
        _ => panic!("{setting:?}: we say {:?}, Grin says {:?}", ours.err(), theirs.err()),
    }
}

/// Grin reads what we accept as the same transaction. Grin accepts more.
pub fn json_like_grin(data: &[u8]) {
    let Some((&head, rest)) = data.split_first() else { return };
    let setting = Setting::of(head);
    setting.tell_grin();
    let Ok(json) = std::str::from_utf8(rest) else { return };
    let Ok(ours) = Transaction::from_json(json, &setting.consensus) else { return };
    let again = Transaction::from_json_value(ours.to_json(), &setting.consensus);
    assert_eq!(again.expect("our own JSON"), ours);
    // As Grin's API, which has parsed the request before: of two equal names the last one counts.
    let value: serde_json::Value = serde_json::from_str(json).expect("JSON");
    let theirs: GrinTransaction = serde_json::from_value(value).expect("Grin reads what we accept");
    assert_same(&ours, &theirs);
    assert_eq!(serde_json::to_value(&theirs).expect("JSON"), ours.to_json());
}

fn assert_same(ours: &Transaction, theirs: &GrinTransaction) {
    for version in VERSIONS {
        let (ours, theirs) = (ours.encode(version), ser::ser_vec(theirs, to_grin(version)));
        assert_eq!(ours.ok(), theirs.ok(), "at version {}", version.0);
    }
    assert_eq!(ours.fee(), theirs.fee());
    assert_eq!(ours.weight().0, theirs.weight());
}

fn to_grin(version: ProtocolVersion) -> ser::ProtocolVersion {
    ser::ProtocolVersion(version.0)
}

/// Writes a transaction of few elements out of few commitments, mostly in canonical order, which
/// mutated bytes rarely keep.
fn write_raw(data: &[u8], version: ProtocolVersion) -> arbitrary::Result<Vec<u8>> {
    let mut bytes = Unstructured::new(data);
    let u = &mut bytes;
    let (shuffled, wrong_counts): (u8, u8) = (u.arbitrary()?, u.arbitrary()?);
    let mut raw = RawTx { offset: [u.arbitrary()?; 32], ..RawTx::default() };
    for _ in 0..u.int_in_range(0..=3)? {
        raw.inputs.push(RawInput { features: small(u)?, commitment: commitment(u)? });
    }
    for _ in 0..u.int_in_range(0..=3)? {
        let claimed_len = *u.choose(&[675, 675, 675, 0, 674, 676, 5_134, u64::MAX])?;
        let proof = vec![u.arbitrary()?; *u.choose(&[675, 675, 675, 0, 674, 676])?];
        let (features, commitment) = (small(u)?, commitment(u)?);
        raw.outputs.push(RawOutput { features, commitment, claimed_len, proof });
    }
    for _ in 0..u.int_in_range(0..=3)? {
        raw.kernels.push(RawKernel {
            features: small(u)?,
            fee: u.arbitrary()?,
            height: *u.choose(&[0, 1, 10_080, 10_081, u64::MAX])?,
            padding: u8::from(u.ratio(1, 16)?),
            excess: commitment(u)?,
            signature: [u.arbitrary()?; 64],
        });
    }
    if shuffled < 224 {
        raw.sort(version);
    }
    if wrong_counts >= 240 {
        raw.counts = Some([u.arbitrary()?, u.arbitrary()?, u.arbitrary()?]);
    }
    raw.tail = bytes.take_rest().to_vec();
    Ok(raw.encode(version))
}

/// Mostly zero, sometimes another feature, and sometimes one that does not exist.
fn small(u: &mut Unstructured<'_>) -> arbitrary::Result<u8> {
    Ok(*u.choose(&[0, 0, 0, 0, 1, 2, 3, 4])?)
}

fn commitment(u: &mut Unstructured<'_>) -> arbitrary::Result<[u8; 33]> {
    let mut commitment = [u.int_in_range(0..=31)?; 33];
    commitment[0] = 8;
    Ok(commitment)
}
