fn main() {
    for (name, file) in [("nasbench201", "nasbench201"), ("darts", "darts"), ("darts:network=search", "darts_search"), ("nasbench101", "nasbench101"), ("natsbench-size", "natsbench_size"), ("toy","toy")] {
        let space = mutators::spaces::build(name).unwrap();
        std::fs::write(format!("/tmp/w/{file}.lir"), space.base().to_string()).unwrap();
        eprintln!("{name} {:?}", space.default_sample().unwrap().to_string());
    }
    let space = mutators::spaces::build("darts").unwrap();
    let g = "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))";
    let s = space.parse_genotype(g).unwrap();
    println!("{s}");
    let t = std::time::Instant::now();
    let m = space.module(&s).unwrap();
    println!("resolve {:?}", t.elapsed());
    std::fs::write("/tmp/w/darts_v2.lir", m.to_string()).unwrap();
    let t = std::time::Instant::now();
    let model = ir::CostModel::of(space.base(), ir::Convention::Nasbench).unwrap();
    println!("model {:?}\n{model}", t.elapsed());
    let t = std::time::Instant::now();
    println!("{:?} {:?}", model.cost(&s), t.elapsed());
    let space = mutators::spaces::build("nasbench201").unwrap();
    let s = space.parse_genotype("|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|").unwrap();
    std::fs::write("/tmp/w/nb201_cell.lir", space.module(&s).unwrap().to_string()).unwrap();
    for name in ["nasbench201", "natsbench-size", "darts:network=search", "toy", "nasbench101"] {
        let space = mutators::spaces::build(name).unwrap();
        let t = std::time::Instant::now();
        match ir::CostModel::of(space.base(), ir::Convention::Nasbench) {
            Ok(model) => println!("{name} {:?}\n{}", t.elapsed(), &model.to_string().chars().take(1500).collect::<String>()),
            Err(e) => println!("{name} {e}"),
        }
    }
}
