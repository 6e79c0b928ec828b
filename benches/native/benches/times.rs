//! How long the core takes, by layer and stream: `cargo bench` in `benches/native`.

use chatmux_benches::{EVENTS, STREAMS, decode, events, json};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn times(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(EVENTS as u64));
    for (name, make) in STREAMS {
        let text = make();
        group.bench_function(BenchmarkId::new(name, 16384), |bencher| bencher.iter(|| decode(text.as_bytes(), 16384)));
    }
    let text = STREAMS[0].1();
    group.bench_function(BenchmarkId::new("text", 280), |bencher| bencher.iter(|| decode(text.as_bytes(), 280)));
    group.finish();

    let mut group = criterion.benchmark_group("layer");
    group.throughput(Throughput::Elements(EVENTS as u64));
    group.bench_function("events", |bencher| bencher.iter(|| events(text.as_bytes())));
    group.bench_function("json", |bencher| bencher.iter(|| json(&text)));
    group.finish();
}

criterion_group!(benches, times);
criterion_main!(benches);
