//! What follows the options of each command: examples, and what else there is to know.

pub(super) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed: a file, the configuration, the node itself
  2  the command line is wrong
  3  no node answers
  4  the node refuses: wrong password, invalid transaction, unknown kernel
  5  what was read is not a valid transaction

Examples:
  scape devnet            see a whole network work, in a minute
  scape config init       write ~/.scape/scape.toml, to be edited
  scape run               be a relay
  scape top               watch it";

pub(super) const RUN: &str = "\
The log goes to stderr, and to files if log.dir is set. RUST_LOG goes before log.filter.

Examples:
  scape run
  scape run --config relay.toml
  RUST_LOG=info,scape=debug scape run";

pub(super) const DEVNET: &str = "\
Examples:
  scape devnet
  scape devnet --relays 20 --transactions 200 --reorgs 2
  scape devnet --preset grin-doc --real-time --json";

pub(super) const STATUS: &str = "\
Examples:
  scape status
  scape status --json | jq .tip.height
  scape status --api http://127.0.0.1:13419 --secret-file relay.secret";

pub(super) const PEERS: &str = "\
Examples:
  scape peers
  scape peers --all
  scape peers ban 192.0.2.1:3414
  scape peers --json | jq -r '.[] | select(.relay) | .addr'";

pub(super) const TX: &str = "\
Examples:
  scape tx
  scape tx 08f3b1c2...
  scape tx 08f3b1c2... --json | jq -r .state.state";

pub(super) const PUSH: &str = "\
The transaction is checked here first; what breaks a rule is not sent. Its excesses are printed,
one a line: `scape tx` follows them.

Examples:
  scape push payment.json
  grin-wallet-that-prints-json | scape push -
  scape push --fluff payment.hex";

pub(super) const DECODE: &str = "\
Exits with 5 if the transaction is not valid.

Examples:
  scape decode payment.json
  scape decode --no-verify - < payment.hex
  scape decode payment.hex --json | jq .broken";

pub(super) const FLUFF: &str = "\
Everyone learns of it at once, from this node. Use it if the stem takes too long.

Examples:
  scape fluff 08f3b1c2...";

pub(super) const RELOAD: &str = "\
Examples:
  scape config check && scape reload";

pub(super) const TOP: &str = "\
Keys: q or Esc ends it, Tab changes the list, arrows scroll it, p pauses, ? explains.

Examples:
  scape top
  scape top --interval 5 --api http://127.0.0.1:13419 --secret-file relay.secret";

pub(super) const CONFIG: &str = "\
Examples:
  scape config init
  scape config check --config relay.toml
  scape config show > scape.toml";

pub(super) const COMPLETIONS: &str = "\
Examples:
  scape completions bash > ~/.local/share/bash-completion/completions/scape
  scape completions zsh > ~/.zfunc/_scape
  scape completions fish > ~/.config/fish/completions/scape.fish";

pub(super) const MAN: &str = "\
Examples:
  scape man | man -l -
  scape man --dir ~/.local/share/man/man1";
