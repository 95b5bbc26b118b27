//! Every space of the hub passes the suite that a researcher's own space would.

macro_rules! conforming {
    ($($name:ident: $text:literal),* $(,)?) => {
        $(mod $name {
            mutators::space_conformance!(mutators::spaces::build($text).expect("the space builds"));
        })*
    };
}

conforming! {
    toy: "toy",
    nasbench201: "nasbench201",
    nasbench101: "nasbench101",
    natsbench_size: "natsbench-size",
    darts: "darts:channels=4,layers=3,auxiliary=false",
    darts_search: "darts:network=search,channels=4,layers=3",
    darts_with_head: "darts:layers=6",
    enas_macro: "enas-macro:channels=4",
    enas_macro_short: "enas-macro:channels=4,layers=3",
    enas_micro: "enas-micro:channels=4,layers=3",
    proxyless: "proxyless:width=0.25",
    recurrent: "recurrent:vocab=50,hidden=4,steps=3",
    recurrent_search: "recurrent:network=search,vocab=50,hidden=4,steps=3",
    proxyless_small: "proxyless:width=0.25,image=3x32x32,classes=10",
}

#[test]
fn every_space_of_the_hub_is_covered() {
    let source = include_str!("conformance.rs");
    for space in mutators::spaces::SPACES {
        assert!(source.contains(&format!("\"{}", space.name)), "`{}` is not tested", space.name);
    }
}
