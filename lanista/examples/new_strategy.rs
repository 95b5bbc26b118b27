//! A strategy of one's own: simulated annealing, which accepts a worse network less and less often.

#![allow(clippy::print_stdout, reason = "an example shows what it found")]

use lanista::prelude::*;

// [strategy]
/// Simulated annealing (Kirkpatrick, Gelatt and Vecchi 1983) with one decision edited at a time.
#[derive(Debug)]
pub struct Annealing {
    temperature: f64,
    cooling: f64,
    /// Where the walk stands: a score of which more is better, and the sample.
    current: Option<(f64, Sample)>,
    /// A uniform number for the next verdict: all randomness comes from the stream that `ask` gets.
    luck: f64,
}

impl Annealing {
    /// Starts hot; each trial multiplies the temperature by `cooling`.
    pub fn new(temperature: f64, cooling: f64) -> Self {
        Self { temperature, cooling, current: None, luck: 0.0 }
    }
}

impl Strategy for Annealing {
    fn identity(&self) -> &str {
        "annealing"
    }

    fn ask(&mut self, space: &Space, rng: &mut dyn Rng, _want: usize) -> Result<Next, StrategyError> {
        self.luck = mutators::draw::unit(rng);
        Ok(Next::run(match &self.current {
            Some((_, sample)) => space.edit(sample, rng)?,
            None => space.sample(rng)?,
        }))
    }

    fn tell(&mut self, trial: &Trial, objective: &Objective) {
        self.temperature *= self.cooling;
        let Some(score) = trial.score(objective) else { return };
        let accept = match &self.current {
            Some((now, _)) => score >= *now || self.luck < ((score - now) / self.temperature).exp(),
            None => true,
        };
        if accept {
            self.current = Some((score, trial.sample.clone()));
        }
    }
}
// [end]

/// Searches NAS-Bench-201 for some trials; returns the validation accuracy of the best.
pub fn search(trials: u64, seed: u64) -> Result<Option<f64>, Box<dyn std::error::Error>> {
    let space = spaces::build("nasbench201")?;
    let evaluator = evaluators::build("nasbench201")?;
    let strategy = Box::new(Annealing::new(2.0, 0.98));
    let study = Experiment::new(&space, strategy, &*evaluator).trials(trials).seed(seed).run()?;
    Ok(study.incumbent().and_then(|best| best.value(&study.objective)))
}

/// Prints what three seeds find.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    for seed in 0..3 {
        let best = search(200, seed)?.ok_or("no trial succeeded")?;
        println!("seed {seed}: {best:.2} % validation accuracy after 12 epochs");
    }
    Ok(())
}
