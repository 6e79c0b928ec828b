//! Does one job, to be counted: `instructions <layer> <stream> <bytes a read>`. Without arguments it lists the jobs.

use std::hint::black_box;

use chatmux_benches::{STREAMS, decode, events, json};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [layer, name, read] = args.as_slice() else {
        for (name, _) in STREAMS {
            println!("decode {name} 16384");
        }
        println!("decode text 280\ndecode text 1\nevents text 0\njson text 0");
        return;
    };
    let text = STREAMS.iter().find(|(known, _)| known == name).expect("a stream that is listed").1();
    black_box(counted(layer, &text, read.parse().expect("a number of bytes")));
}

/// Counting begins and ends with this function.
#[inline(never)]
fn counted(layer: &str, text: &str, read: usize) -> usize {
    match layer {
        "decode" => decode(black_box(text.as_bytes()), read),
        "events" => events(black_box(text.as_bytes())),
        _ => json(black_box(text)),
    }
}
