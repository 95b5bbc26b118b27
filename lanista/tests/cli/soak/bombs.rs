//! Small modules that mean huge ones: each command says so, in little memory, and none dies.

use super::super::support::{command, folder};
use super::{below, rng};
use rand_chacha::ChaCha8Rng;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use testing::soak::Soak;

/// What a process may have of its own, in KiB.
const MEMORY: u32 = 2 << 20;
/// After this a command counts as hanging.
const PATIENCE: Duration = Duration::from_secs(120);

/// Commands that look into a module as deep as they can.
const COMMANDS: &[&[&str]] = &[
    &["verify", "bomb.lir"],
    &["hash", "bomb.lir", "--random", "1"],
    &["cost", "bomb.lir"],
    &["show", "bomb.lir", "--random", "1", "--format", "svg", "--output", "bomb.svg"],
    &["export", "bomb.lir", "--random", "1", "--format", "pytorch", "--output", "bomb.py"],
    &["search", "bomb.lir", "--strategy", "grid", "--evaluator", "cost", "--trials", "3", "--quiet"],
    &["search", "bomb.lir", "--strategy", "local-search", "--evaluator", "cost", "--trials", "3", "--quiet"],
    &["search", "bomb.lir", "--strategy", "random:dedup=true", "--evaluator", "cost", "--trials", "3", "--quiet"],
];

/// Graphs that repeat one another, each many times.
fn nested(depth: usize, times: &mut dyn FnMut() -> u64) -> String {
    let mut text = String::from(
        "module @bomb {\n  graph @g0(%x) {\n    %a = linear %x {out=4}\n    %y = relu %a\n    return %y\n  }\n",
    );
    for level in 1..=depth {
        let (times, inner) = (times(), level - 1);
        let _ = writeln!(text, "  graph @g{level}(%x) {{\n    %y = repeat {times} @g{inner}(%x)\n    return %y\n  }}");
    }
    let _ = write!(
        text,
        "  entry @main\n  graph @main(%x: f32[N, 4]) {{\n    %y = call @g{depth}(%x)\n    return %y\n  }}\n}}\n"
    );
    text
}

/// Graphs that call one another twice: 2 to the depth calls.
fn doubling(depth: usize) -> String {
    let mut text = String::from("module @bomb {\n  graph @g0(%x) {\n    %y = relu %x\n    return %y\n  }\n");
    for level in 1..=depth {
        let inner = level - 1;
        let _ = writeln!(
            text,
            "  graph @g{level}(%x) {{\n    %a = call @g{inner}(%x)\n    %b = call @g{inner}(%x)\n    %y = add %a, %b\n    return %y\n  }}"
        );
    }
    let _ = write!(
        text,
        "  entry @main\n  graph @main(%x: f32[N, 4]) {{\n    %y = call @g{depth}(%x)\n    return %y\n  }}\n}}\n"
    );
    text
}

/// A module with one decision, which an op uses.
fn deciding(domain: &str, op: &str) -> String {
    format!(
        "module @bomb {{\n  decision ?d in {domain}\n  entry @main\n  graph @main(%x: f32[N, 4]) {{\n    %y = {op}\n    return %y\n  }}\n}}\n"
    )
}

/// Operands of one sum that nothing tells apart.
fn symmetric(n: usize) -> String {
    let mut text = String::from("module @bomb {\n  entry @main\n  graph @main(%x: f32[N, 4]) {\n");
    for i in 0..n {
        let _ = writeln!(text, "    %a{i} = linear %x {{out=4}}\n    %b{i} = relu %a{i}");
    }
    let all: Vec<String> = (0..n).map(|i| format!("%b{i}")).collect();
    let _ = write!(text, "    %y = add {}\n    return %y\n  }}\n}}\n", all.join(", "));
    text
}

fn bomb(rng: &mut ChaCha8Rng) -> String {
    let size = 1_u64 << below(rng, 62);
    let n = size + below(rng, 1 << 20) as u64;
    match below(rng, 8) {
        0 => nested(1 + below(rng, 6), &mut || 1 + (n % 4096)),
        1 => doubling(1 + below(rng, 60)),
        2 => deciding(&format!("1..={n}"), "linear %x {out=?d % 64 + 1}"),
        3 => deciding(&format!("1..={n} step {}", 1 + below(rng, 1 << 20)), "repeat ?d @main2(%x)")
            .replace("entry", "graph @main2(%x) {\n    %y = relu %x\n    return %y\n  }\n  entry"),
        4 => {
            let many = 2 + below(rng, 62);
            let all: Vec<String> = (0..many).map(|i| i.to_string()).collect();
            deciding(&format!("any of [{}]", all.join(", ")), "linear %x {out=4}")
        }
        // Either less than a process has here, or more than one may take anywhere.
        5 => {
            let out = if n < 1 << 22 { n } else { u64::from(u32::MAX) - n % (1 << 20) };
            deciding("[1, 2]", &format!("linear %x {{out={out}}}"))
        }
        6 => symmetric(2 + below(rng, 200)),
        _ => deciding(&format!("[{n}, 3]"), "linear %x {out=?d ** 3}"),
    }
}

/// The command under a bound on its memory.
fn bounded(folder: &Path, args: &[&str]) -> Command {
    let plain = command(folder, args);
    let mut bounded = Command::new("bash");
    bounded.args(["-c", &format!("ulimit -c 0; ulimit -d {MEMORY}; exec \"$0\" \"$@\"")]).arg(plain.get_program());
    bounded.args(plain.get_args()).current_dir(folder).env_remove("RUST_BACKTRACE").stdin(Stdio::null());
    bounded
}

/// Runs all commands on a module; each must end by itself, well or with a line that says why not.
fn survives(text: &str, name: &str) -> (u32, u32) {
    let f = folder();
    fs::write(f.path().join("bomb.lir"), text).expect("a file");
    let (mut well, mut refused) = (0, 0);
    for args in COMMANDS {
        let mut child = bounded(f.path(), args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
        let started = Instant::now();
        while child.try_wait().expect("a child").is_none() {
            if started.elapsed() > PATIENCE {
                child.kill().expect("a child");
                panic!("{name}: {args:?} hangs on\n{text}");
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let output = child.wait_with_output().expect("a child");
        let err = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => well += 1,
            Some(1 | 2) => {
                assert!(
                    err.lines().last().is_some_and(|l| l.starts_with("error: ")),
                    "{name}: {args:?}: {err}\n{text}"
                );
                refused += 1;
            }
            _ => panic!("{name}: {args:?} ends with {}: {err}\n{}", output.status, &text[..text.len().min(2_000)]),
        }
    }
    (well, refused)
}

#[test]
fn known_ones() {
    let wide: Vec<String> = (0..59).map(|i| i.to_string()).collect();
    for (name, text) in [
        ("three nested repeats", nested(3, &mut || 4096)),
        ("sixty doublings", doubling(60)),
        ("any of 59", deciding(&format!("any of [{}]", wide.join(", ")), "linear %x {out=4}")),
        ("a domain beyond counting", deciding("1..=292805461487453203", "linear %x {out=?d}")),
        ("a domain beyond collecting", deciding("1..=100000000", "linear %x {out=?d % 64 + 1}")),
        ("a layer beyond memory", deciding("[1, 2]", "linear %x {out=4294967295}")),
        ("192 parallel parts", symmetric(192)),
    ] {
        survives(&text, name);
    }
}

#[test]
fn random_ones() {
    let soak = Soak::new("bombs", 2);
    let (mut well, mut refused) = (0, 0);
    for round in 0..soak.rounds {
        let (w, r) = survives(&bomb(&mut rng(soak.seed, round)), &format!("round {round}"));
        (well, refused) = (well + w, refused + r);
    }
    soak.say(&format!("{} modules: {well} commands ended well, {refused} refused, none died", soak.rounds));
}
