//! Trials that fail: the search goes on, and its result says why and how often.

use super::support::{folder, ok, timeless_json};
use serde_json::Value;
use std::fs;

/// Twenty pools, of which each may take two pixels a side: 34 are enough but for 17 or more such, one sample in 800. No
/// verifier can try the million joint values.
fn rare() -> String {
    let decisions: String = (0..20).map(|i| format!("  decision ?k{i} in [1, 3]\n")).collect();
    let pool = |i: usize| {
        let from = if i == 0 { "%x".to_owned() } else { format!("%v{}", i - 1) };
        format!("    %v{i} = max_pool {from} {{k=?k{i}, stride=1}}\n")
    };
    let pools: String = (0..20).map(pool).collect();
    format!(
        "module @rare {{\n{decisions}  entry @main\n  graph @main(%x: f32[N, 1, 34, 34]) {{\n{pools}    return %v19\n  }}\n}}\n"
    )
}

/// A search some of whose trials fail: what it prints, and its JSON.
pub fn searched() -> (String, Value) {
    let f = folder();
    fs::write(f.path().join("rare.lir"), rare()).expect("a file");
    let args = ["search", "rare.lir", "--strategy", "random", "--evaluator", "cost", "--trials", "3000", "--quiet"];
    let text = ok(f.path(), &[&args[..], &["--json", "r.json"]].concat());
    (text, timeless_json(&fs::read_to_string(f.path().join("r.json")).expect("the result was written")))
}

#[test]
fn reasons_stand_in_the_result_with_counts() {
    let (text, json) = searched();
    let failures = json["failures"].as_array().expect("an array");
    let counts: Vec<u64> = failures.iter().filter_map(|f| f["count"].as_u64()).collect();
    assert_eq!(counts.len(), failures.len());
    assert!(counts.len() > 1 && counts.is_sorted_by(|a, b| a >= b), "the commonest first: {counts:?}");
    assert_eq!(json["ledger"]["failed"].as_u64(), Some(counts.iter().sum()));
    for failure in failures {
        let reason = failure["reason"].as_str().expect("a text");
        assert!(reason.contains("a window of 3x3") && reason.contains("does not fit f32[N, 1, 2, 2]"), "{reason}");
        let trials = if failure["count"] == 1 { "1 trial".to_owned() } else { format!("{} trials", failure["count"]) };
        let told = format!("{trials}, first {}: {reason}", failure["first_trial"]);
        assert!(text.contains(&told), "`{told}` is missing in: {text}");
    }
}
