use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::measure::Figures;
use crate::whole::Throughput;

/// Prints the measures as they come, and keeps them for the file.
pub(crate) struct Report {
    /// Grin's figures with the library as shipped.
    shipped: Option<Map<String, Value>>,
    entries: Map<String, Value>,
}

#[derive(Clone, Copy)]
enum Target {
    AtLeast(f64),
    AtMost(f64),
}

use Target::{AtLeast, AtMost};

/// Where each measure has to get: with the same library, and against Grin as shipped.
const TARGETS: [(&str, Target, Option<Target>); 12] = [
    ("decode", AtLeast(3.0), None),
    ("encode_400", AtLeast(3.0), None),
    ("aggregate_1000", AtLeast(20.0), None),
    ("patience_400", AtLeast(1_000.0), None),
    ("cached_400", AtLeast(100.0), None),
    ("pool_growth", AtMost(1.3), None),
    ("memory", AtMost(1.4), None),
    ("verify_ceiling", AtLeast(0.95), None),
    ("admission_empty", AtLeast(12.0), Some(AtLeast(22.0))),
    ("admission_400", AtLeast(400.0), Some(AtLeast(1_000.0))),
    ("lone_latency", AtMost(0.4), Some(AtMost(0.2))),
    ("flood_p99", AtMost(3.0), None),
];

impl Report {
    pub(crate) fn new(shipped: Option<Map<String, Value>>) -> Self {
        println!(
            "{:<16} {:>12} {:>12} {:<10} {:>9}  target",
            "measure", "grin", "ours", "unit", "ratio"
        );
        Self { shipped, entries: Map::new() }
    }

    pub(crate) fn add(&mut self, name: &str, figures: Figures) {
        let Figures { grin, ours, ratio, unit } = figures;
        let (target, shipped_target) = targets(name);
        if ours == 0.0 {
            // Grin alone runs for another process, which compares.
            println!("{name:<16} {grin:>12.2} {:>12} {unit}", "-");
            self.entries.insert(name.to_owned(), json!({"grin": grin, "unit": unit}));
            return;
        }
        let same = ratio.of(grin, ours);
        let mut entry = json!({"grin": grin, "ours": ours, "ratio": same, "unit": unit});
        println!(
            "{name:<16} {grin:>12.2} {ours:>12.2} {unit:<10} {same:>9.3}  {}",
            verdict(same, target)
        );
        let shipped = self.shipped.as_ref().and_then(|shipped| shipped.get(name)?["grin"].as_f64());
        if let Some(grin) = shipped {
            let ratio = ratio.of(grin, ours);
            entry["as_shipped"] = json!({"grin": grin, "ratio": ratio});
            let verdict = shipped_target.map(|target| verdict(ratio, target)).unwrap_or_default();
            let label = "  as shipped";
            println!("{label:<16} {grin:>12.2} {ours:>12.2} {unit:<10} {ratio:>9.3}  {verdict}");
        }
        self.entries.insert(name.to_owned(), entry);
    }

    /// A measure for which there is nothing to compare with.
    pub(crate) fn add_alone(&mut self, name: &str, figures: &Throughput) {
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        let (rate, p50, p99) =
            (figures.rate, micros(figures.latency.p50), micros(figures.latency.p99));
        println!(
            "{name:<16} {:>12} {rate:>12.2} {:<10} p50 {p50:.0} us, p99 {p99:.0} us",
            "-", "tx/s"
        );
        let entry = json!({
            "grin": null, "ours": rate, "ratio": null, "unit": "tx/s",
            "p50": p50, "p99": p99, "unit_of_latency": "us",
        });
        self.entries.insert(name.to_owned(), entry);
    }

    pub(crate) fn write(self, path: &Path) {
        let json = serde_json::to_string_pretty(&Value::Object(self.entries)).unwrap();
        std::fs::write(path, json + "\n").unwrap();
        println!("written to {}", path.display());
    }
}

fn targets(name: &str) -> (Target, Option<Target>) {
    let found = TARGETS.iter().find(|(known, ..)| *known == name);
    let (_, same, shipped) = found.unwrap();
    (*same, *shipped)
}

fn verdict(ratio: f64, target: Target) -> String {
    let (sign, limit, met) = match target {
        AtLeast(limit) => (">=", limit, ratio >= limit),
        AtMost(limit) => ("<=", limit, ratio <= limit),
    };
    format!("{sign} {limit} {}", if met { "met" } else { "MISSED" })
}
