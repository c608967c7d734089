//! x
#[path = "../tests/support/mod.rs"]
mod support;
use ferry_format::*;
use std::time::Instant;
use support::*;
#[allow(clippy::all, clippy::disallowed_methods)]
fn main() {
    for (rows, target) in [(1000usize, 1usize), (10_000, 1), (90_000, 1)] {
        let _ = target;
        let mut p = Payload::new([3; 32]);
        let mut e = Seeded::new("rows");
        for i in 0..rows {
            let mut r = [0u8; 24];
            e.fill(&mut r).unwrap();
            let line = format!(
                "[\"confirm\",\"i\",\"3501002600{i:010}\",\"福州市车辆管理所缴款人\",{},{},\"{}\",\"2026-11-22T08:00:00\",null,\"{}\",\"备注:代收业务\",\"{}\"]",
                i * 37 % 100000,
                i % 2,
                ident::hex_encode(&r[..8]),
                ident::hex_encode(&r[8..16]),
                ident::hex_encode(&r[16..])
            );
            p.push(line.as_bytes()).unwrap();
        }
        let st = sample::statement(&p);
        let k = keys("outer");
        let rc = sample::recipients();
        let inner = keys("inner");
        let trust = trust();
        let mb = p.len() as f64 / 1e6;
        let (mut bs, mut bo, mut bv) = (f64::MAX, f64::MAX, f64::MAX);
        let mut size = 0;
        for _ in 0..5 {
            let t = Instant::now();
            let s = seal_batch(&st, &p, &Sealing::new(&k, &rc), &mut Seeded::new("m")).unwrap();
            bs = bs.min(t.elapsed().as_secs_f64());
            let t = Instant::now();
            let b = open_batch(&s.bytes, &Expect::any(&trust), &inner).unwrap();
            bo = bo.min(t.elapsed().as_secs_f64());
            let t = Instant::now();
            let _ = verify_batch(&s.bytes, &Expect::any(&trust)).unwrap();
            bv = bv.min(t.elapsed().as_secs_f64());
            assert_eq!(b.records().count(), rows);
            size = s.bytes.len();
        }
        println!(
            "{rows} rows {mb:.2} MB plain {:.2} MB file: seal {:.1} MB/s ({:.2} ms) open {:.1} MB/s ({:.2} ms) verify {:.2} ms",
            size as f64 / 1e6,
            mb / bs,
            bs * 1e3,
            mb / bo,
            bo * 1e3,
            bv * 1e3
        );
    }
}
