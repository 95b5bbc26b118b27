//! Every strategy of the hub keeps what a strategy must keep, with and without deduplication.

use strategies::{build, strategy_conformance};

macro_rules! all {
    ($($name:ident = $text:literal,)*) => {
        $(strategy_conformance!($name, build($text).expect("it is in the hub"));)*
    };
}

all! {
    grid = "grid",
    grid_dedup = "grid:dedup=true",
    random = "random",
    random_dedup = "random:dedup=true",
    random_replace = "random:replace=true",
    random_replace_dedup = "random:replace=true,dedup=true",
    local_search = "local-search",
    local_search_dedup = "local-search:dedup=true",
    local_search_first = "local-search:improvement=first,initial=3",
    local_search_first_dedup = "local-search:improvement=first,initial=3,dedup=true",
    evolution = "regularized-evolution:population=5,sample=3",
    evolution_dedup = "regularized-evolution:population=5,sample=3,dedup=true",
    evolution_distinct = "regularized-evolution:population=4,sample=2,replacement=false",
}

#[cfg(feature = "torch")]
all! {
    reinforce = "reinforce",
    reinforce_dedup = "reinforce:hidden=8,dedup=true",
}

#[test]
fn no_strategy_of_the_hub_is_left_out() {
    let source = include_str!("conformance.rs");
    for entry in strategies::STRATEGIES {
        assert!(source.contains(&format!("\"{}", entry.name)), "add `{}` to the list above", entry.name);
    }
}
