//! PyTorch source: names, keys, refusals.

use codegen::export::ExportError;
use codegen::export::pytorch::{keys, source};
use ir::{Elaboration, Module, Program};

fn program(text: &str) -> Program {
    let module: Module = text.parse().unwrap_or_else(|e| panic!("{e}\n{text}"));
    Elaboration::supernet(&module, &|_: &str, _: Option<i64>| None).run().unwrap_or_else(|e| panic!("{e}\n{text}"))
}

pub fn network(nodes: &str) -> Program {
    program(&format!("module @m {{\nentry @main\ngraph @main(%x: f32[N, 3, 8, 8]) {{\n{nodes}\n}}\n}}"))
}

/// A network with a decision that is left open.
pub fn supernet(nodes: &str) -> Program {
    let graph = format!("graph @main(%x: f32[N, 3, 8, 8]) {{\n{nodes}\n}}");
    program(&format!("module @m {{\nentry @main\ndecision ?op in [a, b]\n{graph}\n}}"))
}

/// What a network's `forward` says.
fn forward(nodes: &str) -> Vec<String> {
    let text = source(&network(nodes), "test").expect("exports");
    let body = text.split("def forward(self, x):\n").last().expect("a method");
    body.lines().take_while(|l| l.starts_with("        ")).map(|l| l.trim().to_owned()).collect()
}

#[test]
fn primitives_are_written_into_each_other() {
    let lines = forward("%a = channel_shuffle %x {groups=3}\n%y = add %a, %x, %a {mean=true}\nreturn %y");
    assert_eq!(
        lines,
        [
            "a = x.reshape(-1, 3, 1, 8, 8).permute(0, 2, 1, 3, 4).reshape(-1, 3, 8, 8)",
            "y = (a + x + a) * 0.3333333333333333",
            "return y"
        ]
    );
    let lines = forward("%z = zero %x {stride=2, out=5}\n%p = split %z {sizes=[1, 4]}\nreturn %z, %p, %p.1");
    assert_eq!(lines.last().map(String::as_str), Some("return z, p_0, p_1"), "{lines:?}");
}

#[test]
fn what_is_random_follows_the_training_mode() {
    let text =
        source(&network("%d = dropout %x {p=0.2}\n%y = drop_path %d {p=0.1}\nreturn %y"), "test").expect("exports");
    assert!(text.contains("d = F.dropout(x, 0.2, self.training)"), "{text}");
    assert!(text.contains("y = drop_path(d, 0.1, self.training)") && text.contains("def drop_path("), "{text}");
    let never = source(&network("%y = dropout %x {p=0.0}\nreturn %y"), "test").expect("exports");
    assert!(!never.contains("drop"), "{never}");
}

#[test]
fn keys_are_paths_unless_python_refuses() {
    let network = network(
        "%\"stage/conv\" = conv2d %x {out=3, k=1}\n%\"3x3\" = conv2d %\"stage/conv\" {out=3, k=3, pad=1}\n\
         %class = batch_norm %\"3x3\"\n%type = batch_norm %class {track=false}\nreturn %type",
    );
    let found: Vec<(String, String)> = keys(&network).expect("different paths");
    let key = |path: &str| found.iter().find(|(p, _)| p == path).map(|(_, k)| k.as_str());
    assert_eq!(key("stage.conv.weight"), Some("stage.conv.weight"));
    assert_eq!(key("3x3.bias"), Some("v_3x3.bias"));
    assert_eq!(key("class.running_var"), Some("class_.running_var"));
    assert_eq!(key("type.weight"), Some("type_.weight"));
    let text = source(&network, "test").expect("exports");
    assert!(text.contains("RENAMED = {\n    \"3x3.weight\": \"v_3x3.weight\",\n"), "{text}");
    assert!(!text.contains("\"stage.conv.weight\":"), "{text}");
}

#[test]
fn a_title_cannot_end_the_docstring() {
    let text = source(&network("%y = relu %x\nreturn %y"), "a \"\"\" b\\\nc").expect("exports");
    assert!(text.starts_with("\"\"\"a ''' b\\\\ c\n"), "{text}");
}

#[test]
fn refuses_what_is_no_network() {
    let open = program(
        "module @m {\nentry @main\ndecision ?op in [a, b]\ndecision ?d in 1..=2\n\
         graph @same(%x) {\n%y = relu %x\nreturn %y\n}\n\
         graph @main(%x: f32[N, 3]) {\n%y = choice ?op (%x) {a: relu, b: tanh}\n%z = repeat ?d @same(%y)\nreturn %z\n}\n}",
    );
    let error = source(&open, "test").expect_err("open");
    assert_eq!(
        error.to_string(),
        "only one network can be exported, and this leaves open `?op`, `?d`; choose a sample"
    );
    let opaque = network("%y = custom %x {name=mystery}\nreturn %y");
    let error = source(&opaque, "test").expect_err("no lowering");
    assert_eq!(error.to_string(), "node `y`: `custom` has no lowering to primitives (implement `CustomOp::emit`)");
}

#[test]
fn refuses_two_weights_of_one_path() {
    let twice = program(
        "module @m {\nentry @main\ngraph @f(%x) {\n%b = linear %x {out=3}\nreturn %b\n}\n\
         graph @main(%x: f32[N, 3]) {\n%a = @f(%x)\n%\"a/b\" = linear %a {out=3}\nreturn %\"a/b\"\n}\n}",
    );
    assert_eq!(source(&twice, "test"), Err(ExportError::Path("a.b.weight".into())));
}

#[test]
fn is_the_same_each_time() {
    let space = mutators::spaces::build("darts:channels=4,layers=3").expect("a space");
    let sample = space.bind(&space.sample(&mut rng()).expect("samples")).expect("its own");
    let text = || source(&space.program(&sample).expect("builds"), "darts").expect("exports");
    assert_eq!(text(), text());
}

fn rng() -> rand_chacha::ChaCha8Rng {
    rand_chacha::rand_core::SeedableRng::seed_from_u64(1)
}
