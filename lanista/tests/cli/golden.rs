//! What the lists, the results and the demo print, byte for byte.

use super::support::{folder, golden, ok, refused, run, tests, timeless};

#[test]
fn lists() {
    for name in ["spaces", "strategies", "evaluators", "ops"] {
        let text = ok(&tests(), &[name]);
        // The same in every build.
        golden(&format!("{name}.txt"), &text);
        let json: serde_json::Value = serde_json::from_str(&ok(&tests(), &[name, "--json"])).expect("JSON");
        let listed = json.as_array().expect("an array");
        assert_eq!(listed.len(), text.lines().count(), "{name}: a line each");
        for (entry, line) in listed.iter().zip(text.lines()) {
            let name = entry["name"].as_str().expect("a name");
            assert!(line.starts_with(name) && line.contains(entry["summary"].as_str().expect("a summary")));
        }
    }
    golden("tables.txt", &ok(&tests(), &["table", "list"]));
}

/// What a build without libtorch lists and cannot run is marked, and says how to have it.
#[test]
fn what_needs_libtorch_is_listed_and_marked_in_every_build() {
    let there = cfg!(feature = "torch");
    let searches = |name: &str, list: &str| match list {
        "strategies" => {
            ["search", "toy", "--strategy", name, "--evaluator", "cost", "--trials", "1"].map(str::to_owned)
        }
        _ => ["search", "toy", "--strategy", "random", "--evaluator", name, "--trials", "1"].map(str::to_owned),
    };
    for (list, some) in
        [("strategies", ["reinforce", "darts", "spos"]), ("evaluators", ["train", "zero-cost", "train"])]
    {
        let json: serde_json::Value = serde_json::from_str(&ok(&tests(), &[list, "--json"])).expect("JSON");
        let listed = json.as_array().expect("an array");
        let marked: Vec<&str> = listed
            .iter()
            .filter(|e| e["needs_torch"].as_bool().expect("is said of each"))
            .map(|e| e["name"].as_str().expect("a name"))
            .collect();
        assert!(some.iter().all(|name| marked.contains(name)) && marked.len() < listed.len(), "{marked:?}");
        let shown = run(&[list]);
        for line in shown.out.lines() {
            let mut words = line.split_whitespace();
            let (name, second) = (words.next().expect("a name"), words.next());
            assert_eq!(marked.contains(&name), second == Some("torch"), "{line}");
        }
        assert_eq!(shown.err.contains("`torch` needs libtorch"), !there, "{}", shown.err);
        for name in marked.iter().filter(|_| !there) {
            let args = searches(name, list);
            let message = refused(&tests(), &args.each_ref().map(String::as_str));
            for part in [*name, "needs libtorch", "make setup-torch", "--features torch"] {
                assert!(message.contains(part), "{name}: {message}");
            }
        }
    }
    for command in ["train toy --data digits", "demo-train", "demo-oneshot", "rank toy --evaluator train:data=digits"] {
        let args: Vec<&str> = command.split(' ').collect();
        if !there {
            let message = refused(&tests(), &args);
            assert!(message.contains(args[0]) && message.contains("--features torch"), "{message}");
        }
    }
    // A misspelt one-shot strategy is found, too.
    let message = refused(&tests(), &["search", "toy", "--strategy", "drats", "--evaluator", "cost", "--trials", "1"]);
    assert!(message.contains("did you mean `darts`?"), "{message}");
}

#[test]
fn options_are_listed_with_defaults_and_choices() {
    let json: serde_json::Value = serde_json::from_str(&ok(&tests(), &["spaces", "--json"])).expect("JSON");
    let darts = json.as_array().and_then(|a| a.iter().find(|e| e["name"] == "darts")).expect("a space");
    let network = &darts["options"][0];
    assert_eq!((&network["name"], &network["default"]), (&"network".into(), &"derived".into()));
    assert_eq!(network["choices"], serde_json::json!(["derived", "search"]));
}

#[test]
fn results() {
    let args = ["search", "toy", "--strategy", "grid", "--evaluator", "cost:metric=params", "--trials", "100"];
    golden("search_toy.txt", &timeless(&ok(&tests(), &args)));
    let args = ["search", "nasbench201", "--strategy", "random", "--evaluator", "nasbench201", "--trials", "50"];
    golden("search_nasbench201.txt", &timeless(&ok(&tests(), &args)));
    let args = ["search", "nasbench201", "--protocol", "nasbench201-paper", "--seed", "3"];
    golden("search_protocol.txt", &timeless(&ok(&tests(), &args)));
}

#[test]
fn demo() {
    let folder = folder();
    let text = timeless(&ok(folder.path(), &["demo"]));
    golden("demo.txt", &text);
    let drawing = folder.path().join("out/nasbench201-seed0.svg");
    let svg = std::fs::read_to_string(&drawing).expect("the demo draws the network");
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    assert!(text.ends_with("drawn in out/nasbench201-seed0.svg\n"), "{text}");
}

#[test]
fn help_shows_examples() {
    for command in ["search", "show", "export"] {
        let text = ok(&tests(), &[command, "--help"]);
        assert!(text.contains("Examples:") && text.contains("lanista "), "{text}");
    }
    assert!(ok(&tests(), &["--version"]).starts_with("lanista "));
}
