//! The one-shot strategies that there are: known to every build, also to one that cannot run them.

/// A one-shot strategy of the hub.
#[derive(Clone, Copy, Debug)]
pub struct OneShotEntry {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in one line, with its source.
    pub summary: &'static str,
    /// Its options with their defaults.
    pub options: &'static str,
}

/// Every one-shot strategy, in alphabetical order.
pub const ONE_SHOT: &[OneShotEntry] = &[
    OneShotEntry {
        name: "darts",
        summary: "one-shot: a softmax over all candidates, by gradients (Liu, Simonyan and Yang 2019)",
        options: "arch_lr=0.0003,arch_decay=0.001,warmup=0,cost=none,cost_weight=0.1,device=1080ti_1,stop_free=1\
                  ,partial=1,edges=false,perturb=none,radius=0.3,radius_start=0.03,path_drop=0,hessian=0,order=2",
    },
    OneShotEntry {
        name: "darts-pt",
        summary: "one-shot: darts, read off by what the supernet misses most (Wang et al. 2021)",
        options: "arch_lr=0.0003,arch_decay=0.001,warmup=0,cost=none,cost_weight=0.1,device=1080ti_1,stop_free=1\
                  ,partial=1,edges=false,perturb=none,radius=0.3,radius_start=0.03,path_drop=0,hessian=0,tune=5,order=1",
    },
    OneShotEntry {
        name: "drnas",
        summary: "one-shot: a Dirichlet distribution over all candidates, by pathwise gradients (Chen et al. 2021)",
        options: "arch_lr=0.0006,arch_decay=0.001,warmup=0,cost=none,cost_weight=0.1,device=1080ti_1,stop_free=1\
                  ,partial=1,edges=false,perturb=none,radius=0.3,radius_start=0.03,path_drop=0,hessian=0,divergence=0",
    },
    OneShotEntry {
        name: "enas",
        summary: "one-shot: paths drawn by an LSTM that learns from their accuracy (Pham et al. 2018)",
        options: "arch_lr=0.00035,entropy=0.0001,baseline=0.99,tau=5,bound=2.5,hidden=64,steps=50,samples=10\
                  ,recalibrate=20,max_params=0,max_macs=0",
    },
    OneShotEntry {
        name: "fair-darts",
        summary: "one-shot: a sigmoid per candidate, pushed towards 0 and 1 (Chu et al. 2020)",
        options: "arch_lr=0.0003,arch_decay=0.001,warmup=0,cost=none,cost_weight=0.1,device=1080ti_1,stop_free=1\
                  ,partial=1,edges=false,path_drop=0,hessian=0,zero_one=10",
    },
    OneShotEntry {
        name: "gdas",
        summary: "one-shot: a path per step by Gumbel noise, straight-through gradients (Dong and Yang 2019)",
        options: "arch_lr=0.0003,arch_decay=0.001,warmup=0,cost=none,cost_weight=0.1,device=1080ti_1,stop_free=1\
                  ,partial=1,edges=false,tau=10,tau_end=0.1",
    },
    OneShotEntry {
        name: "pc-darts",
        summary: "one-shot: darts on a part of the channels, with weighted edges (Xu et al. 2020)",
        options: "arch_lr=0.0006,arch_decay=0.001,warmup=15,cost=none,cost_weight=0.1,device=1080ti_1,stop_free=1\
                  ,partial=4,edges=true,perturb=none,radius=0.3,radius_start=0.03,path_drop=0,hessian=0,order=1",
    },
    OneShotEntry {
        name: "proxyless",
        summary: "one-shot: two paths per step of the architecture, one of the weights (Cai, Zhu and Han 2019)",
        options: "arch_lr=0.001,arch_decay=0,warmup=0,cost=none,cost_weight=0.1,device=1080ti_1,stop_free=1\
                  ,partial=1,edges=false",
    },
    OneShotEntry {
        name: "random-one-shot",
        summary: "one-shot: paths at random, then random search on the supernet (Li and Talwalkar 2019)",
        options: "trials=1000,recalibrate=20,max_params=0,max_macs=0",
    },
    OneShotEntry {
        name: "sdarts",
        summary: "one-shot: darts whose weights learn under noise on the factors (Chen and Hsieh 2020)",
        options: "arch_lr=0.0003,arch_decay=0.001,warmup=0,cost=none,cost_weight=0.1,device=1080ti_1,stop_free=1\
                  ,partial=1,edges=false,perturb=random,radius=0.3,radius_start=0.03,path_drop=0,hessian=0,order=1",
    },
    OneShotEntry {
        name: "snas",
        summary: "one-shot: a concrete distribution over all candidates, by gradients (Xie et al. 2019)",
        options: "arch_lr=0.001,arch_decay=0.001,warmup=0,cost=none,cost_weight=0.1,device=1080ti_1,stop_free=1\
                  ,partial=1,edges=false,perturb=none,radius=0.3,radius_start=0.03,path_drop=0,hessian=0,tau=1,tau_end=0.03",
    },
    OneShotEntry {
        name: "spos",
        summary: "one-shot: paths at random, then evolution on the supernet (Guo et al. 2020)",
        options: "trials=1000,recalibrate=20,max_params=0,max_macs=0",
    },
];

/// Whether a strategy, given with its options, is a one-shot strategy.
#[must_use]
pub fn is_one_shot(text: &str) -> bool {
    let name = text.split(':').next().unwrap_or(text);
    ONE_SHOT.iter().any(|e| e.name == name)
}
