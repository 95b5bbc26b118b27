//! A term of the loss for what a network costs, in expectation over the architecture parameters.
//!
//! The expected cost is linear in the probabilities of each decision, so that its gradient is a difference of two
//! expectations, and exact. Cai, Zhu and Han 2019, "ProxylessNAS", section 3.3, where the cost is a latency.

use super::OneShotError;
use super::choice::Choice;
use super::latency_table::LatencyTable;
use ir::{Convention, Pick, cost::CostModel};
use mutators::Space;

/// What is penalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Learned parameters.
    Params,
    /// Multiplications, as NAS-Bench counts them.
    Macs,
    /// Measured milliseconds on a device.
    Latency,
}

impl Measure {
    pub(super) const WORDS: &'static [&'static str] = &["none", "params", "macs", "latency"];

    pub(super) fn from_word(word: &str) -> Option<Self> {
        match word {
            "params" => Some(Self::Params),
            "macs" => Some(Self::Macs),
            "latency" => Some(Self::Latency),
            _ => None,
        }
    }

    pub(super) fn word(of: Option<Self>) -> &'static str {
        match of {
            None => "none",
            Some(Self::Params) => "params",
            Some(Self::Macs) => "macs",
            Some(Self::Latency) => "latency",
        }
    }
}

/// `weight E[cost] / E0[cost]`, where in `E0` every candidate is as probable as any other.
#[derive(Debug)]
pub(super) struct Penalty {
    cost: Cost,
    weight: f64,
    uniform: f64,
}

/// How a cost becomes an expectation.
#[derive(Debug)]
enum Cost {
    /// By sums over the parts of the network.
    Model(Model),
    /// By a sum over all samples.
    Table(LatencyTable),
}

#[derive(Debug)]
struct Model {
    model: CostModel,
    measure: Measure,
    /// For each decision of the model: the choice, and the arm of each of its values. None for one without parameters.
    places: Vec<Option<(usize, Vec<usize>)>>,
}

impl Penalty {
    pub fn new(
        space: &Space,
        choices: &[Choice],
        measure: Measure,
        (weight, device): (f64, &str),
    ) -> Result<Self, OneShotError> {
        let cost = match measure {
            Measure::Latency => Cost::Table(LatencyTable::new(space, choices, device)?),
            Measure::Params | Measure::Macs => Cost::Model(Model::new(space, choices, measure)?),
        };
        let even: Vec<Vec<f64>> = choices.iter().map(|c| vec![1.0 / c.arms.len() as f64; c.arms.len()]).collect();
        let uniform = cost.expected(&even).max(f64::MIN_POSITIVE);
        Ok(Self { cost, weight, uniform })
    }

    /// The gradient with respect to the probabilities of each choice; zero for one that costs nothing.
    pub fn gradient(&self, probabilities: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut grads = match &self.cost {
            Cost::Model(model) => model.gradient(probabilities),
            Cost::Table(table) => table.gradient(probabilities),
        };
        grads.iter_mut().flatten().for_each(|g| *g *= self.weight / self.uniform);
        grads
    }
}

impl Cost {
    fn expected(&self, probabilities: &[Vec<f64>]) -> f64 {
        match self {
            Self::Model(model) => model.expected(probabilities, None),
            Self::Table(table) => table.expected(probabilities),
        }
    }
}

impl Model {
    fn new(space: &Space, choices: &[Choice], measure: Measure) -> Result<Self, OneShotError> {
        let model = CostModel::of(space.base(), Convention::Nasbench)?;
        let place = |d: &ir::cost::CostDecision| {
            let choice = choices.iter().position(|c| c.label == d.name)?;
            let arm = |rank: u64| {
                let text = d.domain.value(Pick::index(rank))?.to_string();
                choices[choice].arms.iter().position(|a| a.name == text.as_str())
            };
            // A subset's values are no arms: they are taken as equally probable.
            Some((choice, (0..d.domain.size()?).map(arm).collect::<Option<_>>()?))
        };
        let places = model.decisions().iter().map(place).collect();
        Ok(Self { model, measure, places })
    }

    fn gradient(&self, probabilities: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut grads: Vec<Vec<f64>> = probabilities.iter().map(|p| vec![0.0; p.len()]).collect();
        for (choice, _) in self.places.iter().flatten() {
            let without = self.expected(probabilities, Some((*choice, None)));
            for (arm, grad) in grads[*choice].iter_mut().enumerate() {
                *grad = self.expected(probabilities, Some((*choice, Some(arm)))) - without;
            }
        }
        grads
    }

    /// The expected cost, where one choice may be sure of an arm, or of none.
    fn expected(&self, probabilities: &[Vec<f64>], sure: Option<(usize, Option<usize>)>) -> f64 {
        let probability = |name: &str, rank: u64| {
            let Some(i) = self.model.decisions().iter().position(|d| d.name == name) else { return 0.0 };
            let Some((choice, arms)) = &self.places[i] else {
                return 1.0 / self.model.decisions()[i].domain.size().unwrap_or(1) as f64;
            };
            let arm = arms[rank as usize];
            match sure.filter(|(c, _)| c == choice) {
                Some((_, only)) => f64::from(u8::from(only == Some(arm))),
                None => probabilities[*choice].get(arm).copied().unwrap_or(1.0 / arms.len() as f64),
            }
        };
        let cost = self.model.expectation(&probability);
        if self.measure == Measure::Params { cost.params } else { cost.macs }
    }
}

#[cfg(test)]
mod tests {
    use super::super::choice::{Arm, Kind};
    use super::super::mixture::softmax;
    use super::*;
    use ir::Name;

    fn choices(space: &Space) -> Vec<Choice> {
        let ops = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"];
        let arm = |n: &&str| Arm { name: Name::new(n), is_zero: *n == "none", is_free: !n.starts_with("nor") };
        let slots = space.schema().expect("static").slots();
        let choice = |label: &Name| Choice {
            label: label.clone(),
            kind: Kind::Layer,
            arms: ops.iter().map(arm).collect(),
            feeds: Vec::new(),
        };
        slots.iter().map(|s| choice(&s.label)).collect()
    }

    fn differences(penalty: &Penalty, weight: f64) -> Vec<Vec<f64>> {
        let mut p: Vec<Vec<f64>> = (0..6).map(|i| softmax(&[0.1 * f64::from(i), 0.5, -0.4, 1.0, 0.0])).collect();
        let grad = penalty.gradient(&p);
        for choice in 0..6 {
            for arm in 0..5 {
                let mut at = |by: f64| {
                    p[choice][arm] += by;
                    let value = weight * penalty.cost.expected(&p) / penalty.uniform;
                    p[choice][arm] -= by;
                    value
                };
                let difference = (at(1e-4) - at(-1e-4)) / 2e-4;
                assert!((difference - grad[choice][arm]).abs() < 1e-9, "{choice} {arm}");
            }
        }
        grad
    }

    #[test]
    fn the_gradient_agrees_with_central_differences() {
        let space = mutators::spaces::build("nasbench201:channels=4,cells=1").expect("it is in the hub");
        let choices = choices(&space);
        for measure in [Measure::Params, Measure::Macs] {
            let penalty = Penalty::new(&space, &choices, measure, (0.3, "")).expect("has a cost");
            for grad in differences(&penalty, 0.3) {
                // A 3x3 convolution costs most, what has no weights nothing.
                assert!(grad[3] > grad[2] && grad[2] > 0.0);
                assert!(measure == Measure::Macs || grad[0] == 0.0 && grad[4] == 0.0);
            }
        }
    }

    /// Where every probability is 0 or 1 the expectation is what the table says.
    #[test]
    fn latencies_are_weighed_as_whole_architectures() {
        use evaluators::{Candidate, Evaluator, Latency, Query};
        let space = mutators::spaces::build("nasbench201").expect("it is in the hub");
        let choices = choices(&space);
        let penalty = Penalty::new(&space, &choices, Measure::Latency, (0.3, "raspi4")).expect("has a table");
        let latency = Latency::new("raspi4").expect("a device");
        let measured = |arms: [usize; 6]| {
            let pairs = choices.iter().zip(arms).map(|(c, a)| (c.label.clone(), ir::Value::label(&c.arms[a].name)));
            let sample = space.bind(&mutators::Sample::from_pairs(pairs).expect("labels differ")).expect("fits");
            latency.evaluate(&Candidate::new(&space, &sample, Query::default())).expect("in the table").values[0]
        };
        let expected = |arms: [usize; 6]| {
            let sure = |a: usize| (0..5).map(|i| f64::from(u8::from(i == a))).collect();
            penalty.cost.expected(&arms.map(sure))
        };
        let (fast, slow) = ([1, 1, 0, 0, 2, 1], [3, 3, 4, 2, 3, 3]);
        let gap = (expected(slow) - expected(fast)) - (measured(slow) - measured(fast));
        assert!(gap.abs() < 1e-9 && measured(slow) > measured(fast));
        for grad in differences(&penalty, 0.3) {
            assert!(grad[3] > grad[0], "{grad:?}");
        }
        let other = mutators::spaces::build("darts:network=search").expect("it is in the hub");
        let error = Penalty::new(&other, &[], Measure::Latency, (0.3, "raspi4")).expect_err("no table").to_string();
        assert!(error.contains("there is none for space `darts`"), "{error}");
        let error = Penalty::new(&space, &choices, Measure::Latency, (0.3, "raspi")).expect_err("none").to_string();
        assert!(error.contains("did you mean `raspi4`?"), "{error}");
    }

    /// A convolution of 9, 25 or 49 thousand operations, and of 0.9, 2.5 or 4.9 thousand weights, at .2, .3 and .5; and
    /// one whose cost is a product of two decisions.
    #[test]
    fn numbers_cost_what_is_expected_of_them() {
        let space = |node: &str| {
            let decisions = "decision ?k in [3, 5, 7] decision ?w in [10, 20]";
            let graph = format!("graph @main(%x: f32[N, 10, 2, 5]) {{ %y = conv2d %x {{{node}}} return %y }}");
            let text = format!("module @m {{ entry @main {decisions} {graph} }}");
            Space::new(text.parse().expect("parses")).expect("verifies")
        };
        let p = [vec![0.2, 0.3, 0.5], vec![0.4, 0.6]];
        for (node, expected) in [
            ("out=10, k=?k, pad=?k // 2, bias=false", [3_380.0, 33_800.0]),
            ("out=?w, k=?k, pad=?k // 2, bias=false", [1.6 * 3_380.0, 1.6 * 33_800.0]),
        ] {
            let space = space(node);
            let choices = super::super::numbers::numbers("test", &space).expect("numbers");
            for (measure, expected) in [Measure::Params, Measure::Macs].into_iter().zip(expected) {
                let penalty = Penalty::new(&space, &choices, measure, (1.0, "")).expect("has a cost");
                assert!((penalty.cost.expected(&p) - expected).abs() < 1e-9);
            }
        }
    }
}
