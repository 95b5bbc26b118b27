//! Options of the evaluators that need libtorch, as the lists show them: known to every build, also to one that cannot
//! build them.

/// The settings of a recipe with their defaults, as a literal that others can hold.
macro_rules! settings {
    () => {
        "recipe=plain|darts|darts-search|darts-rnn-search|nasbench201, epochs=10, batch=64, optimizer=sgd|adam|adamw, \
        momentum=0.9, nesterov=true, beta2=0.999, lr=0.05, min_lr=0, weight_decay=0.0005, schedule=cosine|linear|step|constant, \
        milestones=0.5:0.75, gamma=0.1, anneal=step|epoch, clip=0, label_smoothing=0, crop=0, flip=false, cutout=0, \
        auxiliary=0.4, drop_path=linear|constant|off, ema=0, valid=1/2|none, valid_seed=0, images=all|N, threads=1, \
        device=cpu|cuda:N, precision=f32|f64"
    };
}

/// Of a recipe.
#[cfg(feature = "torch")]
pub const SETTINGS: &str = settings!();
/// Of `train`.
pub const TRAIN: &str =
    concat!("data=digits, seed=trial|N, every=1, time=false, latency=0|BATCH, memory=false, ", settings!());
/// Of `zero-cost`.
pub const ZERO_COST: &str = "proxy=synflow|snip|grasp|grad_norm|fisher|jacob_cov|naswot|zen|plain|l2_norm, seed=0, \
                             data=random|digits|cifar10|folder:PATH.., batch=64, threads=1";
