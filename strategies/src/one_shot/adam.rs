//! Adam on a few numbers in the host's memory.

use codegen::array::{Array, Data, Weights};
use ir::Name;

/// The settings of Adam (Kingma and Ba 2015).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// The learning rate.
    pub rate: f64,
    /// Decay rates of the two moments.
    pub betas: (f64, f64),
    /// Factor of the parameters that is added to their gradient.
    pub weight_decay: f64,
}

/// Parameters with the moments of their gradients, in double precision.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Learned {
    pub values: Vec<f64>,
    steps: i64,
    first: Vec<f64>,
    second: Vec<f64>,
}

impl Learned {
    pub fn new(values: Vec<f64>) -> Self {
        let zero = vec![0.0; values.len()];
        Self { first: zero.clone(), second: zero, steps: 0, values }
    }

    /// A step against the gradient.
    pub fn step(&mut self, grad: &[f64], adam: Adam) {
        self.step_within(grad, adam, |_| true);
    }

    /// A step of some of them; the others keep their moments too.
    pub fn step_within(&mut self, grad: &[f64], adam: Adam, moves: impl Fn(usize) -> bool) {
        self.steps += 1;
        let (b1, b2) = adam.betas;
        let correct = |beta: f64| 1.0 - beta.powf(self.steps as f64);
        let (c1, c2) = (correct(b1), correct(b2));
        for (i, x) in self.values.iter_mut().enumerate().filter(|(i, _)| moves(*i)) {
            let g = grad[i] + adam.weight_decay * *x;
            self.first[i] = b1 * self.first[i] + (1.0 - b1) * g;
            self.second[i] = b2 * self.second[i] + (1.0 - b2) * g * g;
            *x -= adam.rate * (self.first[i] / c1) / ((self.second[i] / c2).sqrt() + 1e-8);
        }
    }

    /// What a checkpoint holds of them, under a name.
    pub fn save(&self, name: &str, to: &mut Weights) {
        let array = |x: &Vec<f64>| Array { shape: vec![x.len()], data: Data::F64(x.clone()) };
        to.insert(Name::new(format!("{name}/values")), array(&self.values));
        to.insert(Name::new(format!("{name}/first")), array(&self.first));
        to.insert(Name::new(format!("{name}/second")), array(&self.second));
        to.insert(Name::new(format!("{name}/steps")), Array { shape: vec![1], data: Data::I64(vec![self.steps]) });
    }

    /// Takes them back; nothing is taken if something does not fit.
    pub fn restore(&mut self, name: &str, from: &Weights) -> Result<(), String> {
        let get = |part: &str| {
            let full = format!("{name}/{part}");
            from.get(full.as_str()).map(Array::to_f64).ok_or_else(|| format!("it has no `{full}`"))
        };
        let (values, first, second, steps) = (get("values")?, get("first")?, get("second")?, get("steps")?);
        let n = self.values.len();
        if [&values, &first, &second].iter().any(|x| x.len() != n) || steps.len() != 1 {
            return Err(format!("`{name}` holds {} numbers, not {n}", values.len()));
        }
        *self = Self { values, first, second, steps: steps[0] as i64 };
        Ok(())
    }
}
