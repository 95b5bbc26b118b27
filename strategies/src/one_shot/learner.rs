//! What a differentiable search learns beside the weights: parameters, and what is decided for good.

use super::alpha::Alphas;
use super::choice::Choice;
use super::course::State;
use super::mixture::Mixture;
use super::strongest::Preference;
use codegen::array::{Array, Data, Weights};
use ir::Name;

/// The architecture so far.
pub(super) struct Learner {
    pub alphas: Alphas,
    /// The candidates of each decision that no parameter has a say in any more.
    pub decided: Vec<Option<Vec<usize>>>,
}

impl Learner {
    pub fn new(alphas: Alphas) -> Self {
        let decided = vec![None; alphas.values().len()];
        Self { alphas, decided }
    }

    /// Whether a decision's parameters learn.
    pub fn is_open(&self, decision: usize) -> bool {
        self.decided[decision].is_none() && !self.alphas.of(decision).is_empty()
    }

    /// What is decided, and how strong everything else is.
    pub fn preference<'a>(&'a self, choices: &'a [Choice], mixture: Mixture) -> Preference<'a> {
        Preference::new(choices, &self.alphas, mixture, &self.decided)
    }
}

impl State for Learner {
    fn save(&self, to: &mut Weights) {
        self.alphas.save(to);
        for (i, arms) in self.decided.iter().enumerate().filter_map(|(i, d)| Some((i, d.as_ref()?))) {
            let data = Data::I64(arms.iter().map(|a| *a as i64).collect());
            to.insert(Name::new(format!("decided/{i}")), Array { shape: vec![arms.len()], data });
        }
    }

    fn restore(&mut self, from: &Weights) -> Result<(), String> {
        self.alphas.restore(from)?;
        let of = |i: usize| {
            let arms = from.get(format!("decided/{i}").as_str())?;
            Some(arms.to_f64().into_iter().map(|a| a as usize).collect())
        };
        self.decided = (0..self.decided.len()).map(of).collect();
        Ok(())
    }
}
