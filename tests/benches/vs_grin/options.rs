use std::path::PathBuf;

/// What was asked for on the command line.
pub(crate) struct Options {
    pub(crate) mode: Mode,
    /// A smoke run: little of everything.
    pub(crate) quick: bool,
    /// Also run Grin with the library as its users have it.
    pub(crate) as_shipped: bool,
    /// The measures to run; all if empty.
    names: Vec<String>,
    /// The target folder that this binary was built into.
    pub(crate) target: PathBuf,
}

/// Measures that tell nothing of Grin.
const GRIN_HAS_NONE: [&str; 6] =
    ["pool_growth", "memory", "verify_ceiling", "flood_p99", "loopback_1", "loopback_8"];

/// What this process is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Both sides, in turns.
    Both,
    /// Grin alone: the other build of the library.
    GrinOnly,
    /// One figure of memory, which needs a process of its own.
    Memory { grin: bool },
}

impl Options {
    pub(crate) fn parse(args: impl Iterator<Item = String>) -> Self {
        let executable = std::env::current_exe().unwrap();
        // target/release/deps/vs_grin-…
        let target = executable.ancestors().nth(3).unwrap().to_path_buf();
        let (mode, names) = (Mode::Both, Vec::new());
        let mut options = Self { mode, quick: false, as_shipped: false, names, target };
        for arg in args {
            match arg.as_str() {
                // Cargo's own.
                "--bench" => {}
                "--quick" => options.quick = true,
                "--as-shipped" => options.as_shipped = true,
                "--grin-only" => options.mode = Mode::GrinOnly,
                "--memory-of-grin" => options.mode = Mode::Memory { grin: true },
                "--memory-of-ours" => options.mode = Mode::Memory { grin: false },
                name if !name.starts_with('-') => options.names.push(arg),
                unknown => {
                    eprintln!("unknown option {unknown}");
                    std::process::exit(2);
                }
            }
        }
        options
    }

    pub(crate) fn wants(&self, name: &str) -> bool {
        !(self.mode == Mode::GrinOnly && GRIN_HAS_NONE.contains(&name))
            && (self.names.is_empty() || self.names.iter().any(|wanted| wanted == name))
    }

    /// The arguments for the same run in another process.
    pub(crate) fn forwarded(&self) -> impl Iterator<Item = &str> {
        let quick = self.quick.then_some("--quick");
        quick.into_iter().chain(self.names.iter().map(String::as_str))
    }
}
