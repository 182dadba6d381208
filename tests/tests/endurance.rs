//! A few seconds of every attack at once; longer runs are a command of their own.

use std::process::Command;

#[test]
fn a_node_outlives_every_attack_at_once() {
    let output = Command::new(env!("CARGO_BIN_EXE_scape-endurance"))
        .args(["--minutes", "0.1", "--pace", "1"])
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("verdict: good"), "{said}");
    let thrown_out = |attack: &str| -> usize {
        let line = said.lines().find(|line| line.starts_with(attack)).expect("a line for each");
        line.split_whitespace().nth(2).and_then(|times| times.parse().ok()).expect("a number")
    };
    for attack in ["invalid", "oversize", "garbage", "addresses"] {
        assert!(thrown_out(attack) > 0, "nobody was thrown out for {attack}: {said}");
    }
}
