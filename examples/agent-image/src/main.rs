//! Prints the next high tide of a gauge.

fn main() {
    let gauge = std::env::args().nth(1).unwrap_or_else(|| "north".to_owned());
    println!("{}", quillpost::line(&gauge, shoreline::next_high(&gauge)));
}
