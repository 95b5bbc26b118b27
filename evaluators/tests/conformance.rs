//! Every evaluator keeps what evaluators must.

use evaluators::{Candidate, Evaluator, Function, Metric, evaluator_conformance};
use ir::Convention;
use mutators::{Space, spaces};

fn space(text: &str) -> Space {
    spaces::build(text).expect("a space")
}

/// An evaluator of the hub behind a reference, as the checks take it.
macro_rules! hub {
    ($($name:ident: $text:literal on $space:literal not $foreign:literal;)+) => {
        $(evaluator_conformance! {
            $name {
                evaluator: *evaluators::build($text).expect("an evaluator"),
                space: space($space),
                foreign: space($foreign),
                make: evaluators::build,
            }
        })+
    };
}

hub! {
    nasbench201: "nasbench201" on "nasbench201" not "toy";
    nasbench201_oracle: "nasbench201:epochs=200" on "nasbench201:dataset=cifar100" not "natsbench-size";
    nasbench201_random: "nasbench201:dataset=cifar100,epochs=200,trial=random,report=12" on "nasbench201" not "nasbench101";
    nasbench201_trial: "nasbench201:dataset=imagenet16-120,epochs=200,trial=2" on "nasbench201" not "darts";
    nasbench201_narrow: "nasbench201" on "nasbench201:dataset=imagenet16-120" not "nasbench201:channels=8";
    nasbench101: "nasbench101" on "nasbench101" not "nasbench201";
    nasbench101_narrow: "nasbench101" on "nasbench101:channels=128" not "nasbench101:cells=1";
    nasbench101_images: "nasbench101" on "nasbench101:image=3x32x32" not "nasbench101:image=3x28x28";
    nasbench201_images: "nasbench201" on "nasbench201:image=3x32x32" not "nasbench201:image=3x28x28";
    nasbench101_pool: "nasbench101-pool" on "nasbench101" not "toy";
    nasbench101_pool_short: "nasbench101-pool:epochs=4" on "nasbench101" not "nasbench201";
    latency: "latency:device=raspi4" on "nasbench201" not "nasbench101";
    combined: "nasbench201:epochs=200,trial=random+latency+cost:metric=params" on "nasbench201" not "toy";
}

/// What a pool leaves of its space is a space.
mod pool {
    mutators::space_conformance!(
        evaluators::build("nasbench101-pool").expect("an evaluator").restrict(super::space("nasbench101"))
    );
}

evaluator_conformance! {
    cost {
        evaluator: *evaluators::build("cost:metric=macs,convention=thop,direction=maximize").expect("an evaluator"),
        space: space("toy"),
        make: evaluators::build,
    }
}

evaluator_conformance! {
    params_of_darts {
        evaluator: *evaluators::build("cost:metric=params").expect("an evaluator"),
        space: space("darts:layers=3"),
        make: evaluators::build,
    }
}

evaluator_conformance! {
    function {
        evaluator: width(),
        space: space("toy"),
    }
}

fn width() -> impl Evaluator {
    Function::new("width", Metric::maximize("width", ""), |c: &Candidate<'_>| {
        Ok(c.program()?.cost(Convention::Nasbench).params as f64)
    })
}

/// Small networks: each is scored a few hundred times.
#[cfg(feature = "torch")]
macro_rules! zero_cost {
    ($($name:ident: $text:literal on $space:literal;)+) => {
        $(evaluator_conformance! {
            $name {
                evaluator: *evaluators::build($text).expect("an evaluator"),
                space: space($space),
                make: evaluators::build,
            }
        })+
    };
}

#[cfg(feature = "torch")]
zero_cost! {
    synflow: "zero-cost" on "nasbench201:dataset=imagenet16-120,channels=1,cells=1";
    grasp: "zero-cost:proxy=grasp,seed=3,batch=4" on "nasbench201:dataset=imagenet16-120,channels=1,cells=1";
    jacob_cov: "zero-cost:proxy=jacob_cov,batch=4" on "toy";
    naswot: "zero-cost:proxy=naswot,batch=4" on "nasbench201:dataset=imagenet16-120,channels=1,cells=1";
}
