//! Scape beside Grin: the same transactions through both, in one process, in turns.
//!
//! ```text
//! cargo bench -p scape-tests --bench vs_grin -- [--quick] [--as-shipped] [NAME…]
//! ```
//!
//! Prints one line per measure and writes `vs_grin.json` into the target folder. `--quick` runs
//! everything with little of everything; `--as-shipped` adds Grin's figures as its users have them,
//! with the 32-bit library; names choose measures. Where Grin has nothing to be measured,
//! `flood_p99`, `pool_growth` and `verify_ceiling` have in its column what ours is compared with
//! instead, and `loopback_1` and `loopback_8` stand alone (`null` in the file).

#![expect(clippy::unwrap_used, reason = "a bench may panic as tests may")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock")]

mod admission;
mod codec;
mod corpus;
mod grin;
mod latency;
mod measure;
mod memory;
mod merging;
mod options;
mod ours;
mod report;
mod shipped;
#[path = "../../tests/grin_pool/stem.rs"]
mod stem;
mod verifying;
mod whole;

use measure::{Bench, Figures};
use options::{Mode, Options};
use report::Report;

fn main() {
    let options = Options::parse(std::env::args().skip(1));
    grin::follow();
    if let Mode::Memory { grin } = options.mode {
        println!("{}", memory::resident_per_transaction(grin, options.quick));
        return;
    }
    let shipped = options.as_shipped.then(|| shipped::run(&options));
    let bench = Bench::new(&options);
    if options.quick {
        println!("# quick: that it runs, and nothing to judge by");
    }
    let mut report = Report::new(shipped);
    for (name, measure) in MEASURES {
        if options.wants(name) {
            match measure {
                Beside(measure) => report.add(name, measure(&bench)),
                Alone(measure) => report.add_alone(name, &measure(&bench)),
            }
        }
    }
    report.write(&options.target.join("vs_grin.json"));
}

/// How a measure comes to its figures.
enum Measure {
    /// Beside Grin, or beside something else that the measure names, in Grin's column.
    Beside(fn(&Bench) -> Figures),
    /// Ours alone.
    Alone(fn(&Bench) -> whole::Throughput),
}

use Measure::{Alone, Beside};

/// What is measured, in the order of the report.
const MEASURES: [(&str, Measure); 14] = [
    ("decode", Beside(codec::decode)),
    ("encode_400", Beside(codec::encode_400)),
    ("aggregate_1000", Beside(merging::aggregate_1000)),
    ("patience_400", Beside(merging::patience_400)),
    ("cached_400", Beside(merging::cached_400)),
    ("pool_growth", Beside(latency::pool_growth)),
    ("memory", Beside(memory::memory)),
    ("verify_ceiling", Beside(verifying::verify_ceiling)),
    ("admission_empty", Beside(admission::admission_empty)),
    ("admission_400", Beside(admission::admission_400)),
    ("lone_latency", Beside(latency::lone_latency)),
    ("flood_p99", Beside(whole::flood_p99)),
    ("loopback_1", Alone(whole::loopback_1)),
    ("loopback_8", Alone(whole::loopback_8)),
];
