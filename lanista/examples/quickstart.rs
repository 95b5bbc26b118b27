//! The example of the README.

use lanista::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let space = spaces::build("nasbench201")?;
    let strategy = strategies::build("regularized-evolution:population=10,sample=3")?;
    let evaluator = evaluators::build("nasbench201:dataset=cifar10,epochs=12,report=200")?;

    let study = Experiment::new(&space, strategy, &*evaluator).trials(300).seed(0).run()?;

    let best = study.incumbent().ok_or("no trial succeeded")?;
    let report = study.report.as_ref().ok_or("nothing to report")?;
    println!("{}", space.genotype(&best.sample).unwrap_or_default());
    for (metric, value) in evaluator.report_metrics().iter().zip(&report.values) {
        println!("{}: {value:.2} {}", metric.name, metric.unit);
    }
    println!("{} params", space.program(&best.sample)?.cost(Convention::Nasbench).params);
    Ok(())
}
