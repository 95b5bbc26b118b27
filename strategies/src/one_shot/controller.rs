//! A recurrent policy over the decisions of a space, taught by REINFORCE.
//!
//! Decisions are made one after another: an LSTM reads what was chosen last, and a layer per decision gives the logits of
//! its candidates, `c tanh(z / t)`. Of `k` inputs each is drawn from those that are left; where their number is open, it
//! is drawn first. Pham et al. 2018, "Efficient Neural Architecture Search via Parameter Sharing"; Zoph and Le 2017;
//! Williams 1992.

use super::adam::Learned;
use super::choice::{Choice, Kind};
use super::course::State;
use super::mixture::pick;
use super::policy::Policy;
use codegen::array::{Array, Data, Weights};
use codegen::init::{stream, unit};
use ir::Name;
use rand_chacha::ChaCha8Rng;
use tch::{Kind as Element, TchError, Tensor};

/// A controller of a space's decisions.
#[derive(Clone, Debug, PartialEq)]
pub struct Controller {
    policy: Policy,
    kinds: Vec<Kind>,
    /// A layer for the candidates of each decision, and one for the number of its inputs where that is open.
    heads: Vec<[Option<Head>; 2]>,
    tokens: usize,
    learned: Learned,
    /// The mean of earlier rewards, once there is one.
    mean: Option<f64>,
}

/// The rows of a layer, and the first of the tokens that stand for them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Head {
    token: usize,
    size: usize,
}

/// One pass over all decisions.
#[derive(Debug)]
pub struct Walk {
    /// The candidates that were taken, ascending, by decision.
    pub arms: Vec<Vec<usize>>,
    /// What was picked, one after another.
    pub picks: Vec<usize>,
    /// The logarithm of the probability of all choices, a scalar.
    pub log_probability: Tensor,
    /// The sum of the entropies on the way, a scalar.
    pub entropy: Tensor,
}

/// Picks one of some probabilities.
type Choose<'a> = &'a mut dyn FnMut(&[f64]) -> usize;

impl Controller {
    /// A controller with uniform numbers in `-0.1..0.1`, as in the paper.
    #[must_use]
    pub fn new(choices: &[Choice], policy: Policy, seed: u64) -> Self {
        let mut tokens = 1;
        let mut head = |size: usize| {
            tokens += size;
            Some(Head { token: tokens - size, size })
        };
        let heads = choices
            .iter()
            .map(|c| {
                let arms = head(c.arms.len());
                match c.kind {
                    Kind::Inputs { min, max } if min < max => [arms, head(max - min + 1)],
                    _ => [arms, None],
                }
            })
            .collect();
        let (h, kinds) = (policy.hidden, choices.iter().map(|c| c.kind).collect());
        // Embeddings, two matrices and a bias of the LSTM, a row for each token but the first.
        let numel = tokens * h + 2 * h * 4 * h + 4 * h + (tokens - 1) * h;
        let mut rng = stream(seed, &[b"controller"]);
        let values = (0..numel).map(|_| 0.2 * f64::from(unit(&mut rng)) - 0.1).collect();
        Self { policy, kinds, heads, tokens, learned: Learned::new(values), mean: None }
    }

    /// Its weights, flat.
    ///
    /// # Errors
    /// If libtorch refuses.
    pub fn weights(&self) -> Result<Tensor, TchError> {
        Tensor::f_from_slice(&self.learned.values)
    }

    /// Decides everything, with `choose` to pick from the probabilities.
    ///
    /// # Errors
    /// If libtorch refuses.
    pub fn walk(&self, weights: &Tensor, choose: Choose<'_>) -> Result<Walk, TchError> {
        let mut picks = Vec::new();
        let choose = &mut |p: &[f64]| {
            picks.push(choose(p));
            picks[picks.len() - 1]
        };
        let mut walker = Walker::new(self, weights)?;
        let mut arms = Vec::with_capacity(self.kinds.len());
        for (kind, [head, count]) in self.kinds.iter().zip(&self.heads) {
            let head = head.expect("invariant: every decision has candidates");
            let mut taken = Vec::new();
            let wanted = match (kind, count) {
                (Kind::Inputs { min, .. }, Some(count)) => min + walker.decide(*count, &[], choose)?,
                (Kind::Inputs { min, .. }, None) => *min,
                _ => 1,
            };
            for _ in 0..wanted {
                taken.push(walker.decide(head, &taken, choose)?);
            }
            taken.sort_unstable();
            arms.push(taken);
        }
        let Walker { log_probability, entropy, .. } = walker;
        Ok(Walk { arms, picks, log_probability, entropy })
    }

    /// Draws an architecture.
    ///
    /// # Errors
    /// If libtorch refuses.
    pub fn draw(&self, rng: &mut ChaCha8Rng) -> Result<Vec<Vec<usize>>, TchError> {
        Ok(self.drawn(rng)?.arms)
    }

    /// Draws an architecture, with what was picked on the way.
    ///
    /// # Errors
    /// If libtorch refuses.
    pub fn drawn(&self, rng: &mut ChaCha8Rng) -> Result<Walk, TchError> {
        let _guard = tch::no_grad_guard();
        self.walk(&self.weights()?, &mut |p| pick(p, rng))
    }

    /// Learns from the reward of what was picked. The first reward is the first baseline.
    ///
    /// # Errors
    /// If libtorch refuses.
    pub fn learn(&mut self, picks: &[usize], reward: f64) -> Result<(), TchError> {
        let weights = self.weights()?.set_requires_grad(true);
        let mut picks = picks.iter().copied();
        let mut again = |_: &[f64]| picks.next().expect("invariant: a walk of this controller's");
        let mean = self.mean.map_or(reward, |m| m + (1.0 - self.policy.baseline) * (reward - m));
        let grad = tch::with_grad(|| {
            let walk = self.walk(&weights, &mut again)?;
            self.gradient(&walk, reward - mean, &weights)
        })?;
        self.mean = Some(mean);
        self.learned.step(&Vec::<f64>::try_from(grad)?, self.policy.adam);
        Ok(())
    }

    /// The gradient of `-advantage log p - entropy`, weighted.
    fn gradient(&self, walk: &Walk, advantage: f64, weights: &Tensor) -> Result<Tensor, TchError> {
        let loss = walk.log_probability.f_mul_scalar(-advantage)?;
        let loss = loss.f_sub(&walk.entropy.f_mul_scalar(self.policy.entropy)?)?;
        Ok(Tensor::f_run_backward(&[loss], &[weights], false, false)?.swap_remove(0))
    }

    /// Whether all its weights are numbers.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.learned.values.iter().all(|x| x.is_finite())
    }
}

/// The state of the LSTM on its way.
struct Walker {
    policy: Policy,
    embeddings: Tensor,
    input: Tensor,
    recurrent: Tensor,
    bias: Tensor,
    rows: Tensor,
    hidden: Tensor,
    cell: Tensor,
    token: usize,
    log_probability: Tensor,
    entropy: Tensor,
}

impl Walker {
    fn new(c: &Controller, weights: &Tensor) -> Result<Self, TchError> {
        let (h, t) = (c.policy.hidden as i64, c.tokens as i64);
        let mut at = 0;
        let mut part = |rows: i64, columns: i64| {
            let part = weights.f_narrow(0, at, rows * columns)?.f_view([rows, columns]);
            at += rows * columns;
            part
        };
        let zero = |shape: &[i64]| Tensor::f_zeros(shape, (Element::Double, tch::Device::Cpu));
        Ok(Self {
            policy: c.policy,
            embeddings: part(t, h)?,
            input: part(h, 4 * h)?,
            recurrent: part(h, 4 * h)?,
            bias: part(1, 4 * h)?,
            rows: part(t - 1, h)?,
            hidden: zero(&[1, h])?,
            cell: zero(&[1, h])?,
            token: 0,
            log_probability: zero(&[])?,
            entropy: zero(&[])?,
        })
    }

    /// Picks one row of a layer that is not taken yet.
    fn decide(&mut self, head: Head, taken: &[usize], choose: Choose<'_>) -> Result<usize, TchError> {
        let x = self.embeddings.f_narrow(0, self.token as i64, 1)?;
        let gates = x.f_matmul(&self.input)?.f_add(&self.hidden.f_matmul(&self.recurrent)?)?.f_add(&self.bias)?;
        let gates = gates.f_chunk(4, 1)?;
        let (write, keep) = (gates[0].f_sigmoid()?, gates[1].f_sigmoid()?);
        let (news, show) = (gates[2].f_tanh()?, gates[3].f_sigmoid()?);
        self.cell = keep.f_mul(&self.cell)?.f_add(&write.f_mul(&news)?)?;
        self.hidden = show.f_mul(&self.cell.f_tanh()?)?;
        // The first token, the start, has no row.
        let rows = self.rows.f_narrow(0, head.token as i64 - 1, head.size as i64)?;
        let logits = rows.f_mv(&self.hidden.f_view([-1])?)?.f_div_scalar(self.policy.temperature)?;
        let logits = logits.f_tanh()?.f_mul_scalar(self.policy.bound)?;
        let gone: Vec<bool> = (0..head.size).map(|i| taken.contains(&i)).collect();
        let gone = Tensor::f_from_slice(&gone)?;
        let log = logits.f_masked_fill(&gone, f64::NEG_INFINITY)?.f_log_softmax(0, Element::Double)?;
        let probabilities = log.f_exp()?;
        let picked = choose(&Vec::<f64>::try_from(probabilities.f_detach()?)?);
        self.log_probability = self.log_probability.f_add(&log.f_get(picked as i64)?)?;
        // What cannot be drawn adds nothing, where 0 times infinity would.
        let terms = probabilities.f_mul(&log.f_masked_fill(&gone, 0.0)?)?;
        self.entropy = self.entropy.f_sub(&terms.f_sum(None)?)?;
        self.token = head.token + picked;
        Ok(picked)
    }
}

const NAME: &str = "controller";
const MEAN: &str = "controller/baseline";

impl State for Controller {
    fn save(&self, to: &mut Weights) {
        self.learned.save(NAME, to);
        let data = Data::F64(self.mean.into_iter().collect());
        to.insert(Name::new_static(MEAN), Array { shape: vec![usize::from(self.mean.is_some())], data });
    }

    fn restore(&mut self, from: &Weights) -> Result<(), String> {
        let mean = from.get(MEAN).ok_or_else(|| format!("it has no `{MEAN}`"))?.to_f64();
        self.learned.restore(NAME, from)?;
        self.mean = mean.first().copied();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::adam::Adam;
    use super::super::choice::Arm;
    use super::*;

    const POLICY: Policy = Policy {
        hidden: 6,
        temperature: 5.0,
        bound: 2.5,
        entropy: 0.0,
        baseline: 0.9,
        adam: Adam { rate: 0.02, betas: (0.9, 0.999), weight_decay: 0.0 },
    };

    fn choice(label: &str, kind: Kind, arms: usize) -> Choice {
        let arm = |i: usize| Arm { name: Name::new(i.to_string()), is_zero: false, is_free: false };
        Choice { label: Name::new(label), kind, arms: (0..arms).map(arm).collect(), feeds: Vec::new() }
    }

    fn choices() -> Vec<Choice> {
        vec![
            choice("op", Kind::Layer, 3),
            choice("in", Kind::Inputs { min: 1, max: 2 }, 3),
            choice("depth", Kind::Depth, 2),
        ]
    }

    /// Larger than those it starts with, so that probabilities differ.
    fn controller() -> Controller {
        let mut c = Controller::new(&choices(), POLICY, 3);
        c.learned.values.iter_mut().for_each(|x| *x *= 8.0);
        c
    }

    fn reward(arms: &[Vec<usize>]) -> f64 {
        let each =
            arms.iter().enumerate().map(|(i, a)| (i + 1) as f64 * a.iter().map(|x| *x as f64 + 0.5).sum::<f64>());
        each.sum::<f64>().sin()
    }

    /// Every walk there is: an op, the number of inputs less 1, the inputs in the order in which they are drawn, a depth.
    fn walks(c: &Controller, weights: &Tensor) -> Vec<Walk> {
        let one = (0..3).map(|i| vec![0, i]);
        let two = (0..3).flat_map(|i| (0..3).filter(move |j| *j != i).map(move |j| vec![1, i, j]));
        let inputs: Vec<Vec<usize>> = one.chain(two).collect();
        let mut all = Vec::new();
        for op in 0..3 {
            for inputs in &inputs {
                for depth in 0..2 {
                    let script = [&[op][..], inputs, &[depth]].concat();
                    let mut script = script.into_iter();
                    all.push(c.walk(weights, &mut |_| script.next().expect("long enough")).expect("walks"));
                    assert_eq!(script.next(), None);
                }
            }
        }
        all
    }

    #[test]
    fn probabilities_of_all_walks_add_up_to_one() {
        let c = controller();
        let all = walks(&c, &c.weights().expect("weights"));
        // 3 ops, 3 single inputs or 6 ordered pairs, 2 depths.
        assert_eq!(all.len(), 3 * (3 + 6) * 2);
        let total: f64 = all.iter().map(|w| w.log_probability.double_value(&[]).exp()).sum();
        assert!((total - 1.0).abs() < 1e-12, "{total}");
        assert!(all.iter().all(|w| w.arms[1].is_sorted() && w.arms[1].len() <= 2));
    }

    /// The mean of `R d log p` over all walks is the gradient of the expected reward.
    #[test]
    fn reinforce_is_the_gradient_in_expectation() {
        let c = controller();
        let weights = c.weights().expect("weights").set_requires_grad(true);
        let mut expected = Tensor::zeros([], (Element::Double, tch::Device::Cpu));
        let mut reinforce = Tensor::zeros_like(&weights).detach();
        // Walked twice, since a graph is differentiated once.
        for (walk, again) in walks(&c, &weights).into_iter().zip(walks(&c, &weights)) {
            let r = reward(&walk.arms);
            expected += again.log_probability.exp() * r;
            let p = walk.log_probability.double_value(&[]).exp();
            // What the controller goes against: the baseline does not change the mean.
            let grad = c.gradient(&walk, r - 0.3, &weights).expect("a gradient");
            reinforce += grad * -p;
        }
        let exact = Tensor::run_backward(&[expected], &[&weights], false, false).swap_remove(0);
        let gap = (&exact - &reinforce).abs().max().double_value(&[]);
        let size = exact.abs().max().double_value(&[]);
        assert!(size > 1e-3 && gap < 1e-12, "{gap} of {size}");
    }

    #[test]
    fn it_learns_what_is_rewarded() {
        let mut c = Controller::new(&choices(), POLICY, 1);
        let mut rng = stream(1, &[b"rewards"]);
        let best = |arms: &[Vec<usize>]| f64::from(u8::from(arms[0] == [2])) + f64::from(u8::from(arms[2] == [1]));
        for _ in 0..400 {
            let walk = c.drawn(&mut rng).expect("draws");
            c.learn(&walk.picks, best(&walk.arms)).expect("learns");
        }
        let drawn: Vec<f64> = (0..100).map(|_| best(&c.draw(&mut rng).expect("draws"))).collect();
        assert!(drawn.iter().sum::<f64>() > 150.0, "{drawn:?}");
    }

    #[test]
    fn a_state_is_taken_back() {
        let mut c = Controller::new(&choices(), POLICY, 1);
        let mut rng = stream(1, &[b"rewards"]);
        let picks = c.drawn(&mut rng).expect("draws").picks;
        c.learn(&picks, 0.5).expect("learns");
        let mut kept = Weights::new();
        c.save(&mut kept);
        let mut other = Controller::new(&choices(), POLICY, 2);
        other.restore(&kept).expect("fits");
        assert_eq!(other, c);
        let error = Controller::new(&choices()[..1], POLICY, 2).restore(&kept).expect_err("does not fit");
        assert!(error.contains("numbers, not"), "{error}");
    }
}
