//! `search` with one-shot strategies: what it prints and draws, and what it refuses.

use super::json::{documented, fields};
use super::logdir::tensorboard;
use super::support::{folder, ok, refused, run_in};
use codegen::array::Array;
use codegen::checkpoint::Checkpoint;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

const SPACE: &str = "nasbench201:image=1x8x8,channels=2,cells=1";
const SHORT: &str = "train:data=digits,epochs=2,images=100,batch=50";

fn search<'a>(space: &'a str, strategy: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["search", space, "--strategy", strategy][..], more].concat()
}

#[test]
fn a_search_prints_what_it_found_and_draws_it() {
    for strategy in ["darts:order=1", "spos:trials=3"] {
        let f = folder();
        let args = search(SPACE, strategy, &["--evaluator", SHORT, "--draw", "cell.svg", "--json", "found.json"]);
        let run = run_in(f.path(), &args);
        assert_eq!(run.code, 0, "{}", run.err);
        assert_eq!(run.err.lines().count(), 2, "a line per epoch: {}", run.err);
        assert!(run.err.starts_with("epoch 1 of 2, loss "), "{}", run.err);
        let json: Value = serde_json::from_str(&fs::read_to_string(f.path().join("found.json")).expect("is written"))
            .expect("is JSON");
        let genotype = json["genotype"].as_str().expect("the space has a notation");
        assert!(run.out.contains(genotype), "{}", run.out);
        assert_eq!(json["epochs"].as_array().map(Vec::len), Some(2));
        assert_eq!(json["alphas"].is_null(), strategy.starts_with("spos"));
        assert_eq!((&json["schema"], &json["version"]), (&"lanista.one-shot-search".into(), &1.into()));
        if strategy.starts_with("darts") {
            let mut found = BTreeSet::new();
            fields(&json, "", &mut found);
            assert_eq!(found, documented("The result of a one-shot search as JSON"));
            // Six edges of five operations, each by its name.
            let alphas = json["alphas"].as_array().expect("parameters");
            assert_eq!((alphas.len(), &alphas[0]["decision"]), (6, &"e01".into()));
            let sizes = |of: &str| alphas.iter().map(|a| a[of].as_array().map(Vec::len)).collect::<Vec<_>>();
            assert_eq!((sizes("candidates"), sizes("values")), (vec![Some(5); 6], vec![Some(5); 6]));
        }
        let drawing = fs::read_to_string(f.path().join("cell.svg")).expect("is drawn");
        assert!(drawing.starts_with("<svg") && drawing.contains(genotype), "{drawing}");
        // What is printed can be given back.
        ok(f.path(), &["cost", SPACE, "--genotype", genotype]);
        let again = ok(f.path(), &search(SPACE, strategy, &["--evaluator", SHORT, "--quiet"]));
        assert_eq!(again, run.out);
    }
}

/// Settings are those of the search's recipe, which has no Nesterov momentum, and not of the evaluator's own.
#[test]
fn settings_are_read_on_top_of_the_recipe_of_a_search() {
    let f = folder();
    let short = format!("{SHORT},momentum=0");
    let found = ok(f.path(), &search(SPACE, "gdas", &["--evaluator", &short, "--quiet"]));
    assert!(found.contains("recipe=darts-search") && found.contains("momentum=0,nesterov=false"), "{found}");
}

/// Widths are slices of shared weights.
#[test]
fn widths_are_searched() {
    let f = folder();
    let keep = ["--evaluator", SHORT, "--checkpoint", "kept.safetensors", "--quiet"];
    let args = search("natsbench-size:image=1x8x8", "spos:trials=3,recalibrate=2", &keep);
    let found = ok(f.path(), &args);
    assert!(found.contains(':') && found.contains("c0="), "{found}");
    assert_eq!(ok(f.path(), &args), found);
}

/// A search that was ended after its first epoch, and one that was not.
#[test]
fn a_kept_search_goes_on() {
    let f = folder();
    let keep = ["--evaluator", SHORT, "--checkpoint", "kept.safetensors"];
    let plain = ok(f.path(), &search(SPACE, "gdas", &["--evaluator", SHORT, "--quiet"]));
    let whole = run_in(f.path(), &search(SPACE, "gdas", &keep));
    assert_eq!((whole.code, whole.out.as_str()), (0, plain.as_str()), "{}", whole.err);
    // It is done: going on does nothing more.
    let again = run_in(f.path(), &search(SPACE, "gdas", &keep));
    assert_eq!((again.err.as_str(), again.out.as_str()), ("kept.safetensors: going on from it\n", plain.as_str()));
    let message = refused(f.path(), &search(SPACE, "gdas", &[&keep[..], &["--seed", "1", "--quiet"]].concat()));
    assert!(message.contains("its seed is 0, not 1"), "{message}");
    let message = refused(f.path(), &search(SPACE, "snas", &[&keep[..], &["--quiet"]].concat()));
    assert!(message.contains("is of another run: its strategy"), "{message}");
    fs::write(f.path().join("kept.safetensors"), "no").expect("is written");
    let message = refused(f.path(), &search(SPACE, "gdas", &[&keep[..], &["--quiet"]].concat()));
    assert!(message.contains("not a whole safetensors file"), "{message}");
}

/// The real TensorBoard reads what `--logdir` wrote.
#[test]
fn tensorboard_shows_the_course() {
    let f = folder();
    let args = search(SPACE, "darts:order=1", &["--evaluator", SHORT, "--logdir", "runs/one", "--json", "found.json"]);
    ok(f.path(), &[&args[..], &["--quiet"]].concat());
    let Some(read) = tensorboard(&f.path().join("runs/one")) else { return };
    let found = fs::read_to_string(f.path().join("found.json")).expect("is written");
    let found: Value = serde_json::from_str(&found).expect("is JSON");
    for (tag, field) in [("loss/training", "train_loss"), ("accuracy/validation", "valid_accuracy")] {
        for (i, point) in read["numbers"][tag].as_array().expect("is there").iter().enumerate() {
            let told = found["epochs"][i][field].as_f64().expect("a number");
            assert_eq!(point[0].as_u64(), Some(i as u64 + 1));
            assert!((point[1].as_f64().expect("a number") - told).abs() <= 1e-6 * told.abs(), "{tag}: {point} {told}");
        }
        assert_eq!(read["numbers"][tag].as_array().map(Vec::len), Some(2));
    }
    let strength = |arm: &str| read["numbers"][format!("strength e01/{arm}")][1][1].as_f64().expect("is there");
    let all = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"].map(strength);
    assert!((all.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{all:?}");
    assert_eq!(read["pictures"]["network"][0][0].as_u64(), Some(1));
}

/// What was found is trained: from scratch, or as it was in the supernet.
#[test]
fn what_was_found_is_trained() {
    let f = folder();
    // Steps that move nothing: what is kept is what was begun with.
    let base = ["--evaluator", SHORT, "--retrain", "plain:epochs=1,images=100,lr=1e-12", "--quiet"];
    let more = |more: &[&'static str]| search(SPACE, "gdas", &[&base[..], more].concat());
    let scratch = ok(f.path(), &more(&["--retrain-out", "scratch", "--checkpoint", "kept.safetensors"]));
    ok(f.path(), &more(&["--retrain-out", "inherited", "--inherit"]));
    assert!(scratch.contains("genotype") && scratch.contains("test "), "{scratch}");
    let read = |file: &str| Checkpoint::load(&f.path().join(file)).unwrap_or_else(|e| panic!("{file}: {e}")).arrays;
    let (supernet, alone) = (read("kept.safetensors"), read("scratch/weights.safetensors"));
    let inherited = read("inherited/weights.safetensors");
    let gap = |a: &Array, b: &Array| a.to_f64().iter().zip(b.to_f64()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    // What stands outside of all choices has the same path in the supernet.
    let shared: Vec<_> = inherited.keys().filter(|k| supernet.contains_key(*k) && k.ends_with(".weight")).collect();
    assert!(shared.len() >= 4, "{shared:?}");
    for path in shared {
        assert!(gap(&supernet[path], &inherited[path]) < 1e-6, "{path} is not the supernet's");
        // Norms begin with ones everywhere.
        if inherited[path].shape.len() > 1 {
            assert!(gap(&supernet[path], &alone[path]) > 1e-3, "{path} is the supernet's, from scratch");
        }
    }
    // By its genotype, in a space of another size.
    ok(f.path(), &more(&["--retrain-space", "nasbench201:image=1x8x8,channels=4,cells=1"]));
    // A folder that holds another run stays as it is.
    let message = refused(f.path(), &more(&["--retrain-out", "scratch", "--seed", "1"]));
    assert!(message.contains("scratch/checkpoint.safetensors: is of another run"), "{message}");
    let message = refused(f.path(), &search(SPACE, "gdas", &["--evaluator", SHORT, "--retrain", "plain:epoch=1"]));
    assert!(message.contains("did you mean `epochs`?"), "{message}");
    let args = ["search", "toy", "--strategy", "random", "--evaluator", "cost", "--trials", "1", "--retrain", "plain"];
    assert!(refused(f.path(), &args).contains("--retrain is of one-shot searches"));
}

/// The cell as it forms, drawn, and trained from scratch: what it prints is what it leaves in the folder.
#[test]
fn the_demo_searches_draws_and_trains() {
    let f = folder();
    let demo = |out: &str, more: &[&str]| {
        let args =
            [&["demo-oneshot", "--epochs", "4", "--retrain", "2", "--channels", "2", "--output", out], more].concat();
        ok(f.path(), &args)
    };
    let told = demo("one", &[]);
    let forms: Vec<&str> = told.lines().filter(|l| l.starts_with("epoch ") && l.contains(" of 4, loss ")).collect();
    assert_eq!(forms.len(), 4, "{told}");
    let found = told.lines().find_map(|l| l.strip_prefix("Found ")).expect("it says what it found");
    assert!(forms[3].contains(found), "the last epoch's architecture is what is found: {told}");
    let read =
        |file: &str| fs::read_to_string(f.path().join("one").join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
    assert!(read("cell.svg").starts_with("<svg"));
    let history: Value = serde_json::from_str(&read("history.json")).expect("is JSON");
    assert_eq!(history["epochs"].as_array().map(Vec::len), Some(2));
    // The digits are told better than by guessing, and the network that was kept is the one that was found.
    let accuracy = history["test"]["accuracy"].as_f64().expect("a number");
    assert!(accuracy > 30.0, "{accuracy} % of ten classes");
    assert!(told.contains(&format!("{accuracy:.2} %")), "{told}");
    let network = ok(f.path(), &["cost", "one/network.lir", "--json"]);
    let named = ok(f.path(), &["cost", "nasbench201:image=1x8x8,channels=2,cells=1", "--genotype", found, "--json"]);
    let of = |text: &str, field: &str| serde_json::from_str::<Value>(text).expect("is JSON")[field].clone();
    for field in ["params", "macs"] {
        assert_eq!(of(&network, field), of(&named, field), "{field}");
    }
    // A seed determines it; without progress the same is found.
    let quiet = demo("two", &["--quiet"]);
    assert!(quiet.contains(&format!("Found {found}\n")) && !quiet.contains("epoch 1 of 4, loss"), "{quiet}");
    let kept = |out: &str| fs::read(f.path().join(out).join("weights.safetensors")).expect("is kept");
    assert_eq!(kept("one"), kept("two"));
    demo("three", &["--quiet", "--seed", "1"]);
    assert_ne!(kept("one"), kept("three"));
}

/// What no architecture fulfils is told before anything is trained; what some do, the found one does.
#[test]
fn constraints_hold() {
    let f = folder();
    let write = |name: &str, constraint: &str| {
        let text = format!(
            "module @two {{ entry @main decision ?a in [skip, conv] decision ?b in [skip, conv] constraint {constraint}
             graph @main(%x: f32[N, 1, 8, 8]) {{
               %s = conv2d %x {{out=4, k=3, pad=1}}
               %a = choice ?a (%s) {{skip: identity, conv: conv2d {{out=4, k=1}}}}
               %b = choice ?b (%a) {{skip: identity, conv: conv2d {{out=4, k=1}}}}
               %p = global_avg_pool %b
               %f = flatten %p
               %y = linear %f {{out=10}}
               return %y }} }}"
        );
        fs::write(f.path().join(name), text).expect("is written");
    };
    write("none.lir", "?a == ?b and ?a != ?b");
    let message = refused(f.path(), &search("none.lir", "darts:order=1", &["--evaluator", SHORT, "--checkpoint", "k"]));
    assert!(message.contains("no values of ?a, ?b fulfil the constraints"), "{message}");
    assert!(!f.path().join("k").exists());
    for (name, constraint, found) in [
        ("skip.lir", "?a == skip and ?b == conv", "a=skip,b=conv"),
        ("conv.lir", "?a == conv and ?b == skip", "a=conv,b=skip"),
    ] {
        write(name, constraint);
        for strategy in ["darts:order=1", "gdas", "darts-pt:tune=1", "enas:steps=2", "spos:trials=2"] {
            let out = ok(f.path(), &search(name, strategy, &["--evaluator", SHORT, "--quiet"]));
            assert!(out.contains(found), "{strategy}: {out}");
        }
    }
}

#[test]
fn what_a_one_shot_search_cannot_do_is_one_line() {
    let f = folder();
    let has = |args: &[&str], parts: &[&str]| {
        let message = refused(f.path(), args);
        parts.iter().for_each(|p| assert!(message.contains(p), "`{p}` is missing in: {message}"));
    };
    has(&search(SPACE, "darts", &[]), &["no evaluator is given", "--evaluator train:data=NAME"]);
    has(&search(SPACE, "darts", &["--evaluator", "nasbench201"]), &["`nasbench201` scores finished networks"]);
    has(&search(SPACE, "darts", &["--evaluator", SHORT, "--trials", "3"]), &["--trials is for strategies", "epochs=N"]);
    has(&search(SPACE, "darts", &["--evaluator", SHORT, "--journal", "x"]), &["--journal is for"]);
    has(&search(SPACE, "darts:ordr=1", &["--evaluator", SHORT]), &["did you mean `order`?"]);
    has(&search("nasbench101:image=1x8x8", "darts", &["--evaluator", SHORT]), &["decides by the mutator"]);
    has(&search("natsbench-size:image=1x8x8", "darts", &["--evaluator", SHORT]), &["`darts` cannot treat ?", "spos"]);
    has(&search("nasbench201", "darts", &["--evaluator", SHORT]), &["image=1x8x8"]);
    has(&search(SPACE, "darts", &["--evaluator", "train:data=digits,valid=none"]), &["valid"]);
    has(&search(SPACE, "darts", &["--evaluator", "train:data=digits,batch=100000000"]), &["batch"]);
    let wild = "train:data=digits,epochs=2,images=100,batch=50,lr=1e6,clip=0";
    let run =
        run_in(f.path(), &search(SPACE, "darts:order=1", &["--evaluator", wild, "--draw", "cell.svg", "--quiet"]));
    assert_eq!((run.code, run.out.as_str()), (1, ""), "{}", run.err);
    assert!(run.err.contains("the search failed: epoch 1") && run.err.lines().count() == 1, "{}", run.err);
    assert!(!f.path().join("cell.svg").exists());
}

#[test]
fn a_supernet_is_ranked_against_the_table() {
    let f = folder();
    let args = ["rank", SPACE, "--evaluator", SHORT, "--samples", "12", "--points", "2", "--recalibrate", "1"];
    let run = run_in(f.path(), &args);
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(run.err.lines().filter(|l| l.contains("tau-b")).count(), 2, "{}", run.err);
    for part in ["cifar10 test accuracy, 200 epochs", "all 12", "supernet after epoch 2", "params"] {
        assert!(run.out.contains(part), "{}", run.out);
    }
    let json: Value = serde_json::from_str(&ok(f.path(), &[&args[..], &["--json", "--quiet"]].concat())).expect("JSON");
    assert_eq!(json["points"].as_array().map(Vec::len), Some(2));
    // Params order the same networks for every seed.
    let other = ok(f.path(), &[&args[..], &["--json", "--quiet", "--seed", "1"]].concat());
    let other: Value = serde_json::from_str(&other).expect("JSON");
    assert_eq!(json["params"], other["params"]);
    assert_ne!(json["points"], other["points"]);
    // All networks are above nothing, none above a perfect one; which table it is changes what params are ranked against.
    let ranked = |more: &[&str]| -> Value {
        serde_json::from_str(&ok(f.path(), &[&args[..], &["--json", "--quiet"], more].concat())).expect("JSON")
    };
    let least = ranked(&["--above", "0"]);
    assert_eq!((&least["networks_above"], &least["params"]["tau_above"]), (&12.into(), &json["params"]["tau"]));
    let most = ranked(&["--above", "100.5", "--table", "nasbench201:dataset=cifar100"]);
    assert_eq!((&most["networks_above"], &most["points"][1]["tau_above"]), (&0.into(), &Value::Null));
    assert_eq!(most["metric"], "cifar100 test accuracy, 200 epochs");
    assert_ne!(most["params"]["tau"], json["params"]["tau"]);
    let message = refused(f.path(), &["rank", "darts:network=search,image=1x8x8", "--evaluator", SHORT]);
    assert!(message.contains("nasbench201"), "{message}");
    let toy = refused(f.path(), &[&["rank", SPACE, "--evaluator", SHORT, "--samples", "20000"][..], &["-q"]].concat());
    assert!(toy.contains("ask for fewer with --samples"), "{toy}");
}

/// A recurrent cell on text: perplexities, the recipe for it, and the paper's notation.
#[test]
fn a_recurrent_cell_is_searched_on_text() {
    let f = folder();
    for part in ["train", "valid", "test"] {
        fs::write(f.path().join(format!("{part}.txt")), "a b c d\n".repeat(40)).expect("is written");
    }
    let space = "recurrent:network=search,vocab=6,hidden=4,steps=3";
    let evaluator = "train:data=text:.,epochs=2,batch=20,images=40";
    let args = search(space, "darts:order=1", &["--evaluator", evaluator, "--logdir", "runs"]);
    let run = run_in(f.path(), &args);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.err.contains(", perplexity ") && !run.err.contains('%'), "{}", run.err);
    assert!(run.out.contains("recipe=darts-rnn-search") && run.out.contains("on what was held out"), "{}", run.out);
    let genotype = run.out.lines().find_map(|l| l.strip_prefix("genotype")).expect("a genotype").trim();
    assert!(genotype.starts_with("Genotype(recurrent=[('") && !genotype.contains("none"), "{genotype}");
    let trained = "recurrent:vocab=6,hidden=4,steps=3";
    let args = ["train", trained, "--genotype", genotype, "--data", "text:.", "--epochs", "2", "--valid", "1/2"];
    let out = ok(f.path(), &args);
    assert!(out.contains("perplexity") && out.contains(" words"), "{out}");
    let refused = refused(f.path(), &search("recurrent:network=search", "darts", &["--evaluator", evaluator]));
    assert!(refused.contains("vocab=6"), "{refused}");
}
