//! Unique names.

use rustc_hash::FxHashSet;

/// Names that are taken.
#[derive(Clone, Debug, Default)]
pub struct Taken(FxHashSet<String>);

impl Taken {
    /// Names that nothing may have.
    pub fn new(names: &[&str]) -> Self {
        Self(names.iter().map(|n| (*n).to_owned()).collect())
    }

    /// Takes a name, or the first of `name_2`, `name_3`, ... that is free.
    pub fn take(&mut self, name: &str) -> String {
        let mut free = name.to_owned();
        let mut n = 2;
        while !self.0.insert(free.clone()) {
            free = format!("{name}_{n}");
            n += 1;
        }
        free
    }

    /// Takes a name that must be free; false if it is not.
    pub fn claim(&mut self, name: &str) -> bool {
        self.0.insert(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_each_name_once() {
        let mut taken = Taken::new(&["x"]);
        assert_eq!([taken.take("x"), taken.take("x"), taken.take("y")], ["x_2", "x_3", "y"]);
        assert!(taken.claim("z") && !taken.claim("z"));
    }
}
