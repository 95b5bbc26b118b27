//! What the children of a module are called: a node `stage1/cell0` is `self.stage1.cell0`, so that weights have the
//! same paths here and there, unless PyTorch or Python refuses.

use super::names::{is_attribute, sanitised};
use crate::export::taken::Taken;
use ir::Name;
use rustc_hash::{FxHashMap, FxHashSet};

/// The children's names, and the modules that hold those of a path.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    /// `stage1.cell0` by node.
    pub of: FxHashMap<Name, String>,
    /// `stage1`, in the order in which they must be made.
    pub holders: Vec<String>,
}

/// Names the children that stand for these nodes.
pub fn attributes<'a>(nodes: impl IntoIterator<Item = &'a Name>) -> Attributes {
    let nodes: Vec<&Name> = nodes.into_iter().collect();
    let all: FxHashSet<&str> = nodes.iter().map(|n| n.as_str()).collect();
    let mut out = Attributes::default();
    let mut taken = Taken::default();
    let (kept, changed): (Vec<&Name>, Vec<&Name>) = nodes.into_iter().partition(|name| {
        let inside = holders(name).any(|h| all.contains(h));
        !inside && name.split('/').all(is_attribute)
    });
    for name in kept {
        for holder in holders(name).map(|h| h.replace('/', ".")) {
            if !out.holders.contains(&holder) {
                taken.claim(&holder);
                out.holders.push(holder);
            }
        }
        taken.claim(name);
        out.of.insert(name.clone(), name.replace('/', "."));
    }
    for name in changed {
        out.of.insert(name.clone(), taken.take(&sanitised(name)));
    }
    out
}

/// `a` and `a/b` of `a/b/c`.
fn holders(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('/').map(|(i, _)| &name[..i])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_paths_where_it_can() {
        let names = ["conv", "a/b", "a/c/d", "3x3", "x/y", "x", "class", "v_3x3"].map(Name::new);
        let found = attributes(&names);
        let of = |n: &str| found.of[n].as_str();
        assert_eq!([of("conv"), of("a/b"), of("a/c/d"), of("x")], ["conv", "a.b", "a.c.d", "x"]);
        assert_eq!([of("3x3"), of("x/y"), of("class")], ["v_3x3_2", "x_y", "class_"]);
        assert_eq!(found.holders, ["a", "a.c"]);
    }
}
