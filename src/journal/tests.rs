use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use redb::{Database, TableDefinition};
use scape_aggregate::builder::{Faucet, TxBuilder, seeded};
use scape_aggregate::{ChainType, Consensus, DecodeError, NrdRelativeHeight, ValidTx};
use scape_pool::RecordStage;
use tempfile::TempDir;

use super::*;

const CONSENSUS: Consensus = Consensus::of(ChainType::AutomatedTesting);
const START: Moment = Moment { now: Instant::from_secs(100), unix_micros: 1_700_000_000_000_000 };

fn verifier() -> Verifier {
    Verifier::new(NonZeroUsize::MIN)
}

fn tx(seed: u64) -> ValidTx {
    let coin = Faucet::new(seed).coin(60_000_000_000);
    let built = TxBuilder::new().input(coin).split(1).build(&mut seeded(seed, 0), &CONSENSUS);
    verifier().verify(built.unwrap().tx).unwrap()
}

fn record(seed: u64, stage: RecordStage) -> Record {
    let tx = tx(seed);
    let confirmed = tx.inputs().iter().map(|input| input.commitment()).collect();
    Record { tx, confirmed, stage }
}

fn sent(seed: u64) -> Record {
    record(seed, RecordStage::Sent { embargo: START.now + Duration::from_secs(60) })
}

fn later(moment: Moment, now_secs: u64, unix_secs: i64) -> Moment {
    let unix_micros = moment.unix_micros.saturating_add_signed(unix_secs * 1_000_000);
    Moment { now: Instant::from_secs(now_secs), unix_micros }
}

/// What a record says after it was written at [`START`] and read at another moment.
fn reread(record: &Record, moment: Moment) -> RecordStage {
    let key = record.key();
    let bytes = record::encode(&key, record, START);
    let read = record::decode(&key, &bytes, &CONSENSUS, moment).unwrap();
    assert_eq!((&read.tx, &read.confirmed), (&*record.tx, &record.confirmed));
    read.stage
}

fn path(dir: &TempDir) -> std::path::PathBuf {
    dir.path().join("journal.redb")
}

fn load(path: &Path, consensus: &Consensus) -> Result<(Journal, Loaded), JournalError> {
    let mut journal = Journal::open(path)?;
    let loaded = journal.load(consensus, &verifier(), START)?;
    Ok((journal, loaded))
}

/// A journal with these records, closed.
fn written(records: &[Record]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(&path(&dir)).unwrap();
    records.iter().for_each(|record| journal.keep(record, START));
    journal.write().unwrap();
    dir
}

fn sorted(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_by_key(Record::key);
    records
}

#[test]
fn deadlines_are_those_of_the_first_life() {
    let end = |secs| Instant::from_secs(secs);
    let waiting = |embargo| RecordStage::Waiting { embargo };
    // 20 of 60 s have passed, and the new clock began a second ago.
    let restarted = later(START, 1, 20);
    let cases = [
        (waiting(None), waiting(None)),
        (waiting(Some(end(160))), waiting(Some(end(41)))),
        (RecordStage::Sent { embargo: end(160) }, RecordStage::Sent { embargo: end(41) }),
        // Over before it was written, and over meanwhile.
        (RecordStage::Sent { embargo: end(90) }, RecordStage::Sent { embargo: end(1) }),
        (RecordStage::Sent { embargo: end(110) }, RecordStage::Sent { embargo: end(1) }),
        (RecordStage::Public, RecordStage::Public),
        (
            RecordStage::Sealed { embargo: end(160), attempts: 3 },
            RecordStage::Sealed { embargo: end(41), attempts: 3 },
        ),
    ];
    for (before, after) in cases {
        assert_eq!(reread(&record(1, before), restarted), after);
    }
}

#[test]
fn a_clock_that_was_set_does_not_put_deadlines_off() {
    let stage = |end| RecordStage::Sent { embargo: Instant::from_secs(end) };
    let record = sent(1);
    // A year back: not later than in the 60 s that were left.
    assert_eq!(reread(&record, later(START, 0, -31_536_000)), stage(60));
    // To the beginning, to the end, and beyond all numbers.
    let at = |unix_micros| Moment { now: Instant::from_secs(5), unix_micros };
    assert_eq!(reread(&record, at(0)), stage(65));
    assert_eq!(reread(&record, at(u64::MAX)), stage(5));
    let endless = self::record(1, RecordStage::Sent { embargo: Instant::from_micros(u64::MAX) });
    assert!(matches!(reread(&endless, at(0)), RecordStage::Sent { .. }));
}

#[test]
fn inputs_keep_their_features() {
    let coin = Faucet::new(1).coin(60_000_000_000);
    let tx = TxBuilder::new().input(coin).split(1).input_features(true);
    let tx = verifier().verify(tx.build(&mut seeded(1, 0), &CONSENSUS).unwrap().tx).unwrap();
    let record = Record { tx, confirmed: Vec::new(), stage: RecordStage::Public };
    assert_eq!(reread(&record, START), RecordStage::Public);
}

#[test]
fn no_damage_goes_unnoticed() {
    let record = sent(1);
    let key = record.key();
    let bytes = record::encode(&key, &record, START);
    let error = |key: &Hash, bytes: &[u8]| record::decode(key, bytes, &CONSENSUS, START).err();
    for length in 0..bytes.len() {
        assert_eq!(error(&key, &bytes[..length]), Some(RecordError::Damaged), "{length} bytes");
    }
    for index in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[index / 8] ^= 1 << (index % 8);
        assert_eq!(error(&key, &flipped), Some(RecordError::Damaged), "bit {index}");
    }
    assert_eq!(error(&Hash::default(), &bytes), Some(RecordError::Damaged), "another key");
    assert_eq!(error(&key, &[&bytes[..], &[0]].concat()), Some(RecordError::Damaged));
}

#[test]
fn no_fields_make_decoding_panic() {
    let record = sent(1);
    let bytes = record::encode(&record.key(), &record, START);
    let fields = &bytes[1..bytes.len() - 32];
    assert!(record::decode_unchecked(fields, &CONSENSUS, START));
    for length in 0..fields.len() {
        assert!(!record::decode_unchecked(&fields[..length], &CONSENSUS, START));
    }
    for index in 0..fields.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut changed = fields.to_vec();
            changed[index] = value;
            record::decode_unchecked(&changed, &CONSENSUS, START);
        }
    }
}

#[test]
fn what_version_1_wrote_is_read() {
    for record in [sent(1), record(2, RecordStage::Public)] {
        let key = record.key();
        let new = record::encode(&key, &record, START);
        let mut old = new[..new.len() - 32].to_vec();
        old[0] = 1;
        let checksum = Hash::of(&[key.as_bytes(), &old]);
        old.extend(checksum.as_bytes());
        let read = record::decode(&key, &old, &CONSENSUS, START).unwrap();
        assert_eq!(read.stage, record.stage);
    }
}

#[test]
fn a_newer_record_is_not_taken_for_damage() {
    let key = Hash::of(&[b"key"]);
    let error = |version: u8| {
        let bytes = [version, 1, 2, 3];
        let checksum = Hash::of(&[key.as_bytes(), &bytes]);
        let bytes = [&bytes[..], checksum.as_bytes()].concat();
        record::decode(&key, &bytes, &CONSENSUS, START).err()
    };
    assert_eq!(error(3), Some(RecordError::Newer(3)));
    assert_eq!(error(2), Some(RecordError::Malformed));
    assert_eq!(error(1), Some(RecordError::Malformed));
    assert_eq!(error(0), Some(RecordError::Malformed));
}

#[test]
fn what_is_written_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let records = vec![sent(1), record(2, RecordStage::Public), sent(3)];
    let mut journal = Journal::open(&path(&dir)).unwrap();
    records.iter().for_each(|record| journal.keep(record, START));
    assert_eq!(journal.unwritten(), 3);
    journal.write().unwrap();
    drop(journal);

    let (mut journal, loaded) = load(&path(&dir), &CONSENSUS).unwrap();
    assert_eq!((sorted(loaded.records), loaded.unreadable), (sorted(records.clone()), vec![]));
    let public = record(1, RecordStage::Public);
    journal.keep(&public, START);
    journal.erase(records[2].key());
    journal.erase(Hash::default());
    journal.write().unwrap();
    assert_eq!((journal.len(), journal.unwritten()), (2, 0));
    drop(journal);

    let (_, loaded) = load(&path(&dir), &CONSENSUS).unwrap();
    assert_eq!(sorted(loaded.records), sorted(vec![public, records[1].clone()]));
}

#[test]
fn a_record_that_cannot_be_read_stays() {
    let nrd = CONSENSUS.with_nrd();
    let coin = Faucet::new(1).coin(60_000_000_000);
    let tx = TxBuilder::new().input(coin).split(1).nrd(NrdRelativeHeight::new(5).unwrap());
    let tx = verifier().verify(tx.build(&mut seeded(1, 0), &nrd).unwrap().tx).unwrap();
    let locked = Record { tx, confirmed: vec![], stage: RecordStage::Public };
    let dir = written(&[locked.clone(), sent(2)]);
    for _ in 0..2 {
        let (mut journal, loaded) = load(&path(&dir), &CONSENSUS).unwrap();
        assert_eq!(loaded.records, [sent(2)]);
        let reason = RecordError::Transaction(DecodeError::NrdDisabled);
        assert_eq!(loaded.unreadable, [reason]);
        journal.compact().unwrap();
    }
    let (_, loaded) = load(&path(&dir), &nrd).unwrap();
    assert_eq!(sorted(loaded.records), sorted(vec![locked, sent(2)]));
}

#[test]
fn transactions_are_verified_again() {
    let record = sent(1);
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(&path(&dir)).unwrap();
    let bytes = record::encode(&record.key(), &record, START);
    // A bit of the offset is wrong, and the checksum right.
    let tx = record.tx.encode(scape_aggregate::ProtocolVersion::LOCAL).unwrap();
    let at = bytes.windows(tx.len()).position(|window| window == tx).unwrap();
    let mut forged = bytes[..bytes.len() - 32].to_vec();
    forged[at + 31] ^= 1;
    let checksum = Hash::of(&[record.key().as_bytes(), &forged]);
    forged.extend(checksum.as_bytes());
    journal.records.insert(record.key(), forged);
    journal.unwritten.insert(record.key());
    journal.write().unwrap();
    drop(journal);
    let (_, loaded) = load(&path(&dir), &CONSENSUS).unwrap();
    assert!(matches!(loaded.unreadable[..], [RecordError::Invalid(_)]), "{loaded:?}");
}

#[test]
fn files_that_are_no_journal_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    for garbage in [&b"x"[..], &[7; 5_000], &[0; 2_000_000]] {
        fs::write(path(&dir), garbage).unwrap();
        assert_eq!(Journal::open(&path(&dir)).err(), Some(JournalError::Damaged));
        assert_eq!(fs::read(path(&dir)).unwrap(), garbage, "it was touched");
    }
    let folder = Journal::open(dir.path()).err();
    assert_eq!(folder, Some(JournalError::Io(std::io::ErrorKind::IsADirectory)));
    let nowhere = Journal::open(&dir.path().join("missing/journal.redb")).err();
    assert_eq!(nowhere, Some(JournalError::Io(std::io::ErrorKind::NotFound)));
}

#[test]
fn an_open_journal_is_not_opened_twice() {
    let dir = written(&[sent(1)]);
    let journal = Journal::open(&path(&dir)).unwrap();
    assert_eq!(Journal::open(&path(&dir)).err(), Some(JournalError::InUse));
    drop(journal);
    assert!(Journal::open(&path(&dir)).is_ok());
}

#[test]
fn a_newer_file_is_refused() {
    let dir = written(&[sent(1)]);
    let db = Database::open(path(&dir)).unwrap();
    let write = db.begin_write().unwrap();
    let about = TableDefinition::<&str, u32>::new("about");
    write.open_table(about).unwrap().insert("version", 2).unwrap();
    write.commit().unwrap();
    drop(db);
    assert_eq!(Journal::open(&path(&dir)).err(), Some(JournalError::Newer(2)));
}

#[test]
fn what_was_left_unfinished_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("journal.new"), [1; 1_000]).unwrap();
    assert!(Journal::open(&path(&dir)).is_ok());
    assert!(!dir.path().join("journal.new").exists());
}

#[test]
fn a_write_of_nothing_writes() {
    let dir = written(&[sent(1)]);
    let (mut journal, _) = load(&path(&dir), &CONSENSUS).unwrap();
    let before = fs::read(path(&dir)).unwrap();
    journal.write().unwrap();
    assert!(fs::read(path(&dir)).unwrap() == before);
    journal.write_anyway().unwrap();
    assert!(fs::read(path(&dir)).unwrap() != before);
}

#[test]
fn a_damaged_file_is_an_error_or_harmless() {
    let records = [sent(1), sent(2)];
    let dir = written(&records);
    let (mut journal, _) = load(&path(&dir), &CONSENSUS).unwrap();
    journal.compact().unwrap();
    drop(journal);
    let good = fs::read(path(&dir)).unwrap();
    let mut refused = 0;
    for index in (0..good.len()).step_by(good.len() / 100) {
        let mut bad = good.clone();
        bad[index] ^= 0x55;
        fs::write(path(&dir), bad).unwrap();
        match load(&path(&dir), &CONSENSUS) {
            Ok((_, loaded)) => {
                let found = loaded.records.len() + loaded.unreadable.len();
                assert_eq!(found, records.len(), "lost by a change at {index}");
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 0);
}

#[test]
fn after_a_failure_everything_is_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(&path(&dir)).unwrap();
    journal.keep(&sent(1), START);
    journal.write().unwrap();
    // As after an error of the disk, which then comes back empty.
    journal.give_up_store();
    fs::remove_file(path(&dir)).unwrap();
    fs::create_dir(path(&dir)).unwrap();
    journal.keep(&sent(2), START);
    let error = JournalError::Io(std::io::ErrorKind::IsADirectory);
    assert_eq!(journal.write(), Err(error));
    assert_eq!((journal.write(), journal.unwritten()), (Err(error), 2));
    fs::remove_dir(path(&dir)).unwrap();
    journal.write().unwrap();
    drop(journal);
    let (_, loaded) = load(&path(&dir), &CONSENSUS).unwrap();
    assert_eq!(sorted(loaded.records), sorted(vec![sent(1), sent(2)]));
}

#[test]
fn erased_records_leave_the_file() {
    let records: Vec<_> = (1..=8).map(sent).collect();
    let dir = written(&records);
    let holds = |record: &Record| {
        let file = fs::read(path(&dir)).unwrap();
        let kernel = record.tx.kernels()[0].excess().0;
        file.windows(kernel.len()).any(|window| window == kernel)
    };
    assert!(records.iter().all(holds));
    let (mut journal, _) = load(&path(&dir), &CONSENSUS).unwrap();
    records[..5].iter().for_each(|record| journal.erase(record.key()));
    journal.write().unwrap();
    journal.compact().unwrap();
    assert!(!records[..5].iter().any(holds) && records[5..].iter().all(holds));
    records[5..].iter().for_each(|record| journal.erase(record.key()));
    journal.write().unwrap();
    journal.compact().unwrap();
    assert!(!records.iter().any(holds));
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("a/b");
    make_folder(&folder).unwrap();
    assert_eq!((mode(&folder), mode(&dir.path().join("a"))), (0o700, 0o700));
    make_folder(&folder).unwrap();
    let path = folder.join("journal.redb");
    drop(Journal::open(&path).unwrap());
    assert_eq!(mode(&path), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(Journal::open(&path).unwrap());
    assert_eq!(mode(&path), 0o600);
}
